//! WebSocket frames as a client sees them: [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).

use anyhow::{Result, bail, ensure};

/// The largest payload taken, in bytes.
const MAX_PAYLOAD: usize = 16 << 20;

/// Text, complete in one frame.
const TEXT: u8 = 0x81;

/// Bytes, complete in one frame.
const BINARY: u8 = 0x82;

const CLOSE: u8 = 0x88;

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// UTF-8, which is not checked.
    Text(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Splits what a server sends into messages. It keeps a buffer only while a frame is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partial: Vec<u8>,
}

impl Frames {
    /// Takes bytes as they were read; `on_message` is called for each message that is complete now.
    pub(crate) fn feed(&mut self, input: &[u8], mut on_message: impl FnMut(Message<'_>) -> Result<()>) -> Result<()> {
        if self.partial.is_empty() {
            let used = split(input, &mut on_message)?;
            self.partial.extend_from_slice(&input[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(input);
        let used = split(&self.partial, &mut on_message)?;
        if used == self.partial.len() {
            self.partial = Vec::new();
        } else {
            self.partial.drain(..used);
        }
        Ok(())
    }

    /// Whether part of a frame is waiting for the rest.
    pub(crate) fn is_incomplete(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// Appends a message as one masked frame.
pub(crate) fn put(out: &mut Vec<u8>, message: Message<'_>) {
    // The mask guards proxies against hostile pages; here one is as good as another, and servers undo it all the same.
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let (first, payload) = match message {
        Message::Text(text) => (TEXT, text),
        Message::Binary(bytes) => (BINARY, bytes),
    };
    out.push(first);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// How many bytes of `input` were complete messages.
fn split(input: &[u8], on_message: &mut impl FnMut(Message<'_>) -> Result<()>) -> Result<usize> {
    let mut used = 0;
    while let Some((opcode, payload, length)) = parse(&input[used..])? {
        match opcode {
            TEXT => on_message(Message::Text(payload))?,
            BINARY => on_message(Message::Binary(payload))?,
            CLOSE => bail!("the server closed the connection with code {}", close_code(payload)),
            other => bail!("the server sent a frame that begins with {other:#04x}, not a whole message"),
        }
        used += length;
    }
    Ok(used)
}

/// The first byte, the payload and the whole length of the frame that `input` begins with, if it is complete.
fn parse(input: &[u8]) -> Result<Option<(u8, &[u8], usize)>> {
    let &[first, second, ref rest @ ..] = input else {
        return Ok(None);
    };
    let (header, length) = match (second, rest) {
        (0..126, _) => (2, u64::from(second)),
        (126, &[a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
        (127, &[a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        (128.., _) => bail!("the server masked a frame"),
        _ => return Ok(None),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    ensure!(length <= MAX_PAYLOAD, "the server sent a frame of {length} bytes");
    let frame = input.get(header..header + length);
    Ok(frame.map(|payload| (first, payload, header + length)))
}

fn close_code(payload: &[u8]) -> u16 {
    // 1005 stands for none: RFC 6455 section 7.1.5.
    payload.first_chunk().map_or(1005, |&code| u16::from_be_bytes(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(frames: &mut Frames, input: &[u8]) -> Result<Vec<usize>> {
        let mut lengths = Vec::new();
        frames.feed(input, |message| {
            let (Message::Text(payload) | Message::Binary(payload)) = message;
            lengths.push(payload.len());
            Ok(())
        })?;
        Ok(lengths)
    }

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![TEXT];
        match length {
            0..126 => frame.push(length as u8),
            126..0x1_0000 => frame.extend([126, (length >> 8) as u8, length as u8]),
            _ => frame.extend([
                127,
                0,
                0,
                0,
                0,
                0,
                (length >> 16) as u8,
                (length >> 8) as u8,
                length as u8,
            ]),
        }
        frame.extend(std::iter::repeat_n(b'x', length));
        frame
    }

    #[test]
    fn messages_of_every_length_form_are_found_however_they_are_cut() {
        let lengths = [0, 5, 125, 126, 65_535, 65_536];
        let stream: Vec<u8> = lengths.into_iter().flat_map(frame).collect();
        for step in [1, 2, 3, 7, 1000, stream.len()] {
            let mut frames = Frames::default();
            let found: Vec<_> = stream
                .chunks(step)
                .flat_map(|chunk| texts(&mut frames, chunk).expect("valid"))
                .collect();
            assert_eq!(found, lengths, "{step} bytes at a time");
            assert!(!frames.is_incomplete());
        }
    }

    #[test]
    fn a_close_frame_a_masked_frame_and_an_absurd_length_are_errors() {
        let errors = [
            (&[0x88, 2, 0x03, 0xe9][..], "code 1001"),
            (&[0x88, 0], "code 1005"),
            (&[0x81, 0x80, 1, 2, 3, 4], "masked"),
            (&[0x01, 0], "0x01"),
            (&[0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0], "4611686018427387904 bytes"),
        ];
        for (input, part) in errors {
            let error = texts(&mut Frames::default(), input).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_sent_message_is_masked_and_its_length_has_the_shortest_form() {
        for (length, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut sent = Vec::new();
            put(&mut sent, Message::Text(&vec![b'm'; length]));
            assert_eq!(sent.len(), header + 4 + length);
            let mask: Vec<u8> = sent[header..header + 4].to_vec();
            let body = sent[header + 4..].iter().zip(mask.iter().cycle());
            assert!(body.into_iter().all(|(byte, mask)| byte ^ mask == b'm'));
            assert_eq!(sent[1] & 0x80, 0x80);
        }
    }
}
