//! WebSocket frames as a server sees them: [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).

use anyhow::{Result, bail};

use super::Writes;

/// Texts that are due, as frames one after another.
#[derive(Debug, Default)]
pub(super) struct Due {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
}

impl Due {
    /// Appends a text made of parts.
    pub(super) fn put(&mut self, parts: &[&[u8]]) {
        self.bytes.push(TEXT);
        match parts.iter().map(|it| it.len()).sum() {
            len @ 0..126 => self.bytes.push(len as u8),
            len @ 126..0x1_0000 => {
                self.bytes.push(126);
                self.bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                self.bytes.push(127);
                self.bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.ends.push(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// What is given to one `send` each.
    pub(super) fn writes(&self, writes: Writes) -> impl Iterator<Item = &[u8]> {
        let ends = match writes {
            Writes::Each => &self.ends[..],
            Writes::Coalesced => &self.ends[self.ends.len().saturating_sub(1)..],
        };
        let mut start = 0;
        ends.iter()
            .map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }
}

/// Unmasks the texts that are complete, tells each, and returns how many bytes they were.
pub(super) fn take_texts(input: &mut [u8], mut on_text: impl FnMut(&[u8])) -> Result<usize> {
    let mut used = 0;
    while let Some((header, length)) = measure(&input[used..])? {
        let frame = &mut input[used..used + header + length];
        let (head, payload) = frame.split_at_mut(header);
        unmask(payload, head[header - 4..].try_into()?);
        on_text(payload);
        used += header + length;
    }
    Ok(used)
}

/// The lengths of header, mask included, and payload of the frame that `input` begins with, if it is complete.
fn measure(input: &[u8]) -> Result<Option<(usize, usize)>> {
    let &[first, second, ref rest @ ..] = input else {
        return Ok(None);
    };
    if first != TEXT || second < 0x80 {
        bail!("not a whole, masked text");
    }
    let (header, length) = match (second & 0x7f, rest) {
        (126, &[a, b, ..]) => (8, usize::from(u16::from_be_bytes([a, b]))),
        (127, &[a, b, c, d, e, f, g, h, ..]) => (14, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h]))?),
        (126 | 127, _) => return Ok(None),
        (length, _) => (6, usize::from(length)),
    };
    if length > MAX_PAYLOAD {
        bail!("a text of {length} bytes");
    }
    Ok((input.len() >= header + length).then_some((header, length)))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask, mask].concat().try_into().unwrap_or_default());
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(chunk) = <&mut [u8; 8]>::try_from(chunk) {
            *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Text, complete in one frame.
const TEXT: u8 = 0x81;

/// The largest text taken, in bytes.
const MAX_PAYLOAD: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &[u8]) -> Vec<u8> {
        let mut due = Due::default();
        due.put(&[text]);
        let header = due.bytes.len() - text.len();
        let mut frame = due.bytes[..header].to_vec();
        frame[1] |= 0x80;
        frame.extend([1, 2, 3, 4]);
        frame.extend(
            text.iter()
                .zip([1, 2, 3, 4].iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        frame
    }

    #[test]
    fn texts_of_every_length_form_are_unmasked_and_what_is_incomplete_stays() {
        for length in [0, 7, 8, 125, 126, 65_535, 65_536] {
            let text: Vec<u8> = (0..length).map(|it| it as u8).collect();
            let frame = masked(&text);
            for missing in [0, 1] {
                let mut input = [&frame[..], &frame[..frame.len() - missing]].concat();
                let mut texts = 0;
                let used = take_texts(&mut input, |it| {
                    assert_eq!(it, text);
                    texts += 1;
                });
                assert_eq!(
                    (used.expect("valid"), texts),
                    (frame.len() * (2 - missing), 2 - missing)
                );
            }
        }
    }

    #[test]
    fn what_is_no_whole_masked_text_is_an_error() {
        for input in [[0x81, 0x05], [0x01, 0x85], [0x88, 0x80], [0x82, 0x85]] {
            assert!(take_texts(&mut input.clone(), |_| {}).is_err(), "{input:?}");
        }
    }

    #[test]
    fn what_is_due_is_written_frame_by_frame_or_at_once() {
        let mut due = Due::default();
        let count = |due: &Due, writes| due.writes(writes).count();
        assert_eq!((count(&due, Writes::Each), count(&due, Writes::Coalesced)), (0, 0));
        due.put(&[b"Broadcast: ", b"a"]);
        due.put(&[b"b"]);
        let each: Vec<&[u8]> = due.writes(Writes::Each).collect();
        assert_eq!(each, [&b"\x81\x0cBroadcast: a"[..], b"\x81\x01b"]);
        assert_eq!(due.writes(Writes::Coalesced).collect::<Vec<_>>(), [&each.concat()[..]]);
    }
}
