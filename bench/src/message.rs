//! The texts that are sent, and how each receiver knows that it got the right one.

use anyhow::{Result, bail};

/// The shortest payload: a number of this many digits.
pub(crate) const MIN_BYTES: usize = 12;

/// Payloads of one length, each different: a number from 0, and filling.
#[derive(Debug)]
pub(crate) struct Message {
    text: Vec<u8>,
}

impl Message {
    /// Messages of `bytes`, at least [`MIN_BYTES`].
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            text: vec![b'x'; bytes.max(MIN_BYTES)],
        }
    }

    /// The payload of message `number`.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:0MIN_BYTES$}");
        self.text[..MIN_BYTES].copy_from_slice(&digits.as_bytes()[..MIN_BYTES]);
        &self.text
    }

    /// An error unless `text` is the payload of message `expected`.
    pub(crate) fn check(&self, text: &[u8], expected: u64) -> Result<()> {
        let Some((digits, filling)) = text.split_at_checked(MIN_BYTES) else {
            bail!(
                "expected message {expected}, got {} bytes of something else",
                text.len()
            );
        };
        match number(digits) {
            Some(number) if number != expected => bail!("expected message {expected}, got {number}"),
            Some(_) if filling == &self.text[MIN_BYTES..] => Ok(()),
            _ => bail!("message {expected} was changed on its way"),
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_tells_the_expected_message_from_any_other() {
        let mut message = Message::new(20);
        let text = message.numbered(7).to_owned();
        assert_eq!(text, b"000000000007xxxxxxxx");
        let check = |text: &[u8], expected| message.check(text, expected).map_err(|it| it.to_string());
        assert_eq!(check(&text, 7), Ok(()));
        assert_eq!(check(&text, 8), Err("expected message 8, got 7".to_owned()));
        let mut changed = text.clone();
        changed[19] = b'y';
        assert_eq!(check(&changed, 7), Err("message 7 was changed on its way".to_owned()));
        let cut = check(&text[..19], 7);
        assert_eq!(cut, Err("message 7 was changed on its way".to_owned()));
        assert!(check(b"1", 1).is_err());
    }
}
