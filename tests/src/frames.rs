//! WebSocket frames, written by hand so that tests can write wrong ones:
//! [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).

use tokio::io::{AsyncRead, AsyncReadExt};

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN and the three reserved bits, as the high nibble of the first byte.
    pub flags: u8,
    /// What kind it is.
    pub opcode: u8,
    /// What it carries, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// More of the message before.
    pub const CONTINUATION: u8 = 0;
    /// Text.
    pub const TEXT: u8 = 1;
    /// Bytes.
    pub const BINARY: u8 = 2;
    /// The end.
    pub const CLOSE: u8 = 8;
    /// Asks for a pong.
    pub const PING: u8 = 9;
    /// Answers a ping.
    pub const PONG: u8 = 10;
    /// The last frame of its message.
    pub const FIN: u8 = 0x80;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// A whole message, or a control frame.
    #[must_use]
    pub fn new(opcode: u8, payload: &[u8]) -> Self {
        Self {
            flags: Self::FIN,
            opcode,
            payload: payload.to_vec(),
        }
    }

    /// Not the last of its message.
    #[must_use]
    pub fn unfinished(opcode: u8, payload: &[u8]) -> Self {
        Self {
            flags: 0,
            ..Self::new(opcode, payload)
        }
    }

    /// A close frame.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(Self::CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
    }

    /// The code of a close frame that has one.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        Some(u16::from_be_bytes(self.payload.get(..2)?.try_into().ok()?))
    }

    /// As a client sends it.
    #[must_use]
    pub fn masked(&self) -> Vec<u8> {
        let mut bytes = self.masked_header(self.payload.len() as u64);
        bytes.extend(
            self.payload
                .iter()
                .zip(Self::MASK.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    /// As a client must not send it.
    #[must_use]
    pub fn unmasked(&self) -> Vec<u8> {
        assert!(self.payload.len() < 126, "short ones only");
        [&[self.flags | self.opcode, self.payload.len() as u8], &self.payload[..]].concat()
    }

    /// The header of a masked frame that claims to carry `length` bytes.
    #[must_use]
    pub fn masked_header(&self, length: u64) -> Vec<u8> {
        let mut bytes = vec![self.flags | self.opcode];
        match length {
            0..126 => bytes.push(0x80 | length as u8),
            126..0x1_0000 => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend(Self::MASK);
        bytes
    }
}

/// Reads a frame as a server sends it, unmasked; `None` when the stream ends before it does.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let first = stream.read_u8().await.ok()?;
    let length = match stream.read_u8().await.ok()? {
        126 => u64::from(stream.read_u16().await.ok()?),
        127 => stream.read_u64().await.ok()?,
        length => u64::from(length),
    };
    let mut payload = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut payload).await.ok()?;
    Some(Frame {
        flags: first & 0xf0,
        opcode: first & 0x0f,
        payload,
    })
}
