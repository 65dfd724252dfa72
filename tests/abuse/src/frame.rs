//! Frames of [RFC 6455, section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2): written right or wrong, read strictly.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt};

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MASKED: u8 = 0x80;
const MASK: [u8; 4] = [0xa5, 0x17, 0x4c, 0xd2];

/// No server has a reason to send one that is larger.
const MAX_PAYLOAD: u64 = 64 << 20;

/// How the length of a payload is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// In the second byte.
    Bits7(u8),
    /// In two bytes more.
    Bits16(u16),
    /// In eight bytes more.
    Bits64(u64),
}

impl Length {
    /// In as few bytes as it needs, as the RFC demands.
    pub(crate) fn minimal(bytes: usize) -> Self {
        match bytes {
            0..=125 => Self::Bits7(bytes as u8),
            126..=0xffff => Self::Bits16(bytes as u16),
            _ => Self::Bits64(bytes as u64),
        }
    }
}

/// A frame whose first byte and length say what they like; masked.
pub(crate) fn frame_with(first: u8, length: Length, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, length, MASKED);
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A frame as a client sends it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_with(first, Length::minimal(payload.len()), payload)
}

/// A frame that is not masked, as only a server may send it.
pub(crate) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [head(first, Length::minimal(payload.len()), 0), payload.to_vec()].concat()
}

/// A close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

fn head(first: u8, length: Length, masked: u8) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        Length::Bits7(length) => bytes.push(masked | length),
        Length::Bits16(length) => {
            bytes.push(masked | 126);
            bytes.extend(length.to_be_bytes());
        }
        Length::Bits64(length) => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes
}

/// A frame of the server.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Received {
    /// The code of a close frame; 1005 where it has none.
    pub(crate) fn close_code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

/// Reads a frame; `None` at the end of the stream, also within one.
///
/// # Errors
///
/// When the server breaks the RFC.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Received>> {
    let Ok(first) = from.read_u8().await else {
        return Ok(None);
    };
    let Ok(second) = from.read_u8().await else {
        return Ok(None);
    };
    let opcode = first & 0x0f;
    ensure!(first & 0x70 == 0, "the server set a reserved bit: {first:#04x}");
    ensure!(
        opcode <= BINARY || (CLOSE..=PONG).contains(&opcode),
        "the server sent opcode {opcode}"
    );
    ensure!(second & MASKED == 0, "the server masked a frame");
    let length = match second {
        126 => u64::from(from.read_u16().await.unwrap_or(0)),
        127 => from.read_u64().await.unwrap_or(0),
        length => u64::from(length),
    };
    ensure!(
        !(second == 126 && length < 126 || second == 127 && length < 0x1_0000),
        "the server wrote a length of {length} in more bytes than it needs"
    );
    if opcode >= CLOSE && (length > 125 || first & FIN == 0) {
        bail!("the server sent a control frame of {length} bytes, or in fragments");
    }
    ensure!(length <= MAX_PAYLOAD, "the server announced {length} bytes");
    let mut payload = vec![0; length as usize];
    Ok(match from.read_exact(&mut payload).await {
        Ok(_) => Some(Received { opcode, payload }),
        Err(_) => None,
    })
}
