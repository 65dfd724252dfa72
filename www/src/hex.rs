//! Bytes as people write them, and as they read them: hexadecimal in, a dump out.

use std::fmt::{self, Write as _};

/// Why a piece of text is not a row of bytes. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HexError {
    /// There is not one digit in it.
    Empty,
    /// A character that is neither a digit nor a separator.
    NotADigit {
        /// Where it stands.
        position: usize,
        /// The character.
        found: char,
    },
    /// A group with an odd number of digits: half a byte is left over.
    HalfByte {
        /// Where the digit without a partner stands.
        position: usize,
    },
}

impl HexError {
    /// The character to point at, counted from 1; none when the text is empty.
    pub(crate) fn position(&self) -> Option<usize> {
        match *self {
            Self::Empty => None,
            Self::NotADigit { position, .. } | Self::HalfByte { position } => Some(position),
        }
    }
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no bytes yet: write pairs of hex digits, such as de ad be ef"),
            Self::NotADigit { position, found } if found.is_control() => {
                write!(f, "character {position} is not a hex digit")
            }
            Self::NotADigit { position, found } => write!(f, "character {position} is not a hex digit: {found}"),
            Self::HalfByte { position } => write!(f, "the digit at character {position} has no partner"),
        }
    }
}

/// Reads pairs of hex digits. Spaces, line breaks, `,` `;` `:` `-` and `_` may stand between bytes, and `0x` before each.
///
/// # Errors
/// [`HexError`] says what is wrong, and where.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut half: Option<(usize, u8)> = None;
    let mut characters = text.chars().enumerate().map(|(index, c)| (index + 1, c)).peekable();
    while let Some((position, c)) = characters.next() {
        if is_separator(c) {
            complete(half)?;
        } else if c == '0' && half.is_none() && characters.next_if(|&(_, next)| matches!(next, 'x' | 'X')).is_some() {
            // `0x` is a prefix only where a byte may begin.
        } else {
            let digit = c.to_digit(16).ok_or(HexError::NotADigit { position, found: c })? as u8;
            half = match half {
                None => Some((position, digit)),
                Some((_, high)) => {
                    bytes.push(high << 4 | digit);
                    None
                }
            };
        }
    }
    complete(half)?;
    if bytes.is_empty() {
        Err(HexError::Empty)
    } else {
        Ok(bytes)
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '_')
}

fn complete(half: Option<(usize, u8)>) -> Result<(), HexError> {
    match half {
        Some((position, _)) => Err(HexError::HalfByte { position }),
        None => Ok(()),
    }
}

/// One line per `width` bytes: offset, the bytes in hex, and the same as ASCII with a `.` for what cannot be shown.
pub(crate) fn dump(bytes: &[u8], width: usize) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (row, chunk) in bytes.chunks(width.max(1)).enumerate() {
        if row > 0 {
            text.push('\n');
        }
        dump_row(&mut text, row * width, chunk, width);
    }
    text
}

fn dump_row(text: &mut String, offset: usize, chunk: &[u8], width: usize) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{offset:04x} ");
    for column in 0..width {
        text.push_str(if column > 0 && column % 8 == 0 { "  " } else { " " });
        match chunk.get(column) {
            Some(byte) => {
                let _ = write!(text, "{byte:02x}");
            }
            None => text.push_str("  "),
        }
    }
    text.push_str("  ");
    text.extend(
        chunk
            .iter()
            .map(|&byte| if matches!(byte, 0x20..=0x7e) { byte as char } else { '.' }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_to_write_bytes_are_read() {
        for text in [
            "deadbeef",
            "DE AD BE EF",
            "de:ad:be:ef",
            "0xde, 0xad,\n0xbe, 0xef",
            "de-ad_be;ef",
            "0xdeadbeef",
        ] {
            assert_eq!(parse(text), Ok(vec![0xde, 0xad, 0xbe, 0xef]), "{text}");
        }
        assert_eq!(parse("00 0a"), Ok(vec![0, 10]));
    }

    #[test]
    fn an_error_says_which_character() {
        assert_eq!(
            parse("de ag"),
            Err(HexError::NotADigit {
                position: 5,
                found: 'g'
            })
        );
        assert_eq!(
            parse("é"),
            Err(HexError::NotADigit {
                position: 1,
                found: 'é'
            })
        );
        assert_eq!(parse("de a be"), Err(HexError::HalfByte { position: 4 }));
        assert_eq!(parse("dea"), Err(HexError::HalfByte { position: 3 }));
        assert_eq!(
            parse("d0x0"),
            Err(HexError::NotADigit {
                position: 3,
                found: 'x'
            })
        );
        assert_eq!(
            parse("de ag").unwrap_err().to_string(),
            "character 5 is not a hex digit: g"
        );
    }

    #[test]
    fn text_without_a_byte_is_empty() {
        for text in ["", " \n", "0x", "--"] {
            assert_eq!(parse(text), Err(HexError::Empty), "{text:?}");
        }
    }

    #[test]
    fn a_dump_shows_offset_hex_and_ascii_in_columns() {
        assert_eq!(dump(b"Hi\n", 8), "0000  48 69 0a                 Hi.");
        assert_eq!(
            dump(&(0x41..0x53).collect::<Vec<u8>>(), 16),
            "0000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP\n\
             0010  51 52                                             QR"
        );
        assert_eq!(dump(&[], 16), "");
    }

    #[test]
    fn what_a_dump_shows_can_be_parsed_again() {
        let bytes: Vec<u8> = (0..=255).collect();
        let shown: String = dump(&bytes, 16)
            .lines()
            .map(|line| format!("{} ", &line[6..54]))
            .collect();
        assert_eq!(parse(&shown), Ok(bytes));
    }
}
