//! Patterns of room names.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

/// A pattern of room names, of 1 to [`Pattern::MAX_BYTES`] bytes. In it `*` stands for any run of characters without `/`, an empty
/// one too, and `**` for any run; all else stands for itself.
///
/// ```
/// use tidewire_server::Pattern;
///
/// let rooms: Pattern = "team/*/chat".parse()?;
/// assert!(rooms.matches("team/red/chat"));
/// assert!(!rooms.matches("team/red/blue/chat"));
/// # Ok::<(), tidewire_server::InvalidPattern>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Box<[Part]>);

/// Text is not a pattern: it is empty, or longer than [`Pattern::MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPattern;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// This byte.
    Byte(u8),
    /// Any run without `/`.
    Run,
    /// Any run.
    AnyRun,
}

impl Pattern {
    /// The longest pattern, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Whether a room's name fits it. Takes time in proportion to the product of both lengths, at most.
    #[must_use]
    pub fn matches(&self, room: &str) -> bool {
        if *self.0 == [Part::AnyRun] {
            return true;
        }
        // For each part, whether what was seen so far fits all parts before it.
        let mut fits = [false; Self::MAX_BYTES + 1];
        fits[0] = true;
        self.skip_runs(&mut fits);
        for byte in room.bytes() {
            fits[self.0.len()] = false;
            // From the last to the first, so that each is looked at as it was before this byte.
            for (index, part) in self.0.iter().enumerate().rev() {
                fits[index + 1] |= fits[index] && *part == Part::Byte(byte);
                fits[index] &= part.takes(byte);
            }
            self.skip_runs(&mut fits);
        }
        fits[self.0.len()]
    }

    /// A run may be empty.
    fn skip_runs(&self, fits: &mut [bool]) {
        for (index, part) in self.0.iter().enumerate() {
            fits[index + 1] |= fits[index] && !matches!(part, Part::Byte(_));
        }
    }
}

impl Part {
    /// Whether it goes on over this byte.
    const fn takes(self, byte: u8) -> bool {
        match self {
            Self::Byte(_) => false,
            Self::Run => byte != b'/',
            Self::AnyRun => true,
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(InvalidPattern);
        }
        let mut bytes = text.bytes().peekable();
        let parts = std::iter::from_fn(|| {
            let byte = bytes.next()?;
            Some(match (byte, bytes.peek()) {
                (b'*', Some(b'*')) => {
                    bytes.next();
                    Part::AnyRun
                }
                (b'*', _) => Part::Run,
                _ => Part::Byte(byte),
            })
        });
        Ok(Self(parts.collect()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        for part in &self.0 {
            match part {
                Part::Byte(byte) => text.push(*byte),
                Part::Run => text.push(b'*'),
                Part::AnyRun => text.extend(b"**"),
            }
        }
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('`')?;
        fmt::Display::fmt(self, f)?;
        f.write_char('`')
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pattern of room names has 1 to {} bytes", Pattern::MAX_BYTES)
    }
}

impl std::error::Error for InvalidPattern {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, in exponential time.
    fn fits(pattern: &[u8], room: &[u8]) -> bool {
        match pattern {
            [] => room.is_empty(),
            [b'*', b'*', rest @ ..] => (0..=room.len()).any(|end| fits(rest, &room[end..])),
            [b'*', rest @ ..] => (0..=room.len())
                .take_while(|end| !room[..*end].contains(&b'/'))
                .any(|end| fits(rest, &room[end..])),
            [byte, rest @ ..] => room.first() == Some(byte) && fits(rest, &room[1..]),
        }
    }

    #[test]
    fn a_run_ends_at_a_slash_and_a_double_one_does_not() {
        for (pattern, room, expected) in [
            ("lobby", "lobby", true),
            ("lobby", "lobby2", false),
            ("*", "lobby", true),
            ("*", "team/red", false),
            ("**", "team/red", true),
            ("team/*", "team/red", true),
            ("team/*", "team/", true),
            ("team/*", "team", false),
            ("team/*", "team/red/blue", false),
            ("team/**", "team/red/blue", true),
            ("*/chat", "red/chat", true),
            ("*/chat", "red/blue/chat", false),
            ("**/chat", "red/blue/chat", true),
            ("a*b*c", "a-b-b-c", true),
            ("a***b", "a/x/b", true),
            ("ü*", "über", true),
        ] {
            let parsed: Pattern = pattern.parse().expect("a pattern");
            assert_eq!(parsed.matches(room), expected, "{pattern} {room}");
            assert_eq!(parsed.to_string(), pattern);
        }
    }

    #[test]
    fn a_pattern_has_at_least_one_byte_and_not_too_many() {
        assert_eq!("".parse::<Pattern>(), Err(InvalidPattern));
        let longest = "*".repeat(Pattern::MAX_BYTES);
        assert!(longest.parse::<Pattern>().is_ok_and(|it| it.matches("a/b")));
        assert_eq!((longest + "*").parse::<Pattern>(), Err(InvalidPattern));
    }

    #[test]
    fn many_runs_take_no_more_time_than_they_may() {
        let pattern: Pattern = "*a".repeat(Pattern::MAX_BYTES / 2).parse().expect("a pattern");
        // Exponential time would not end.
        assert!(!pattern.matches(&"a".repeat(127)));
        assert!(pattern.matches(&"a".repeat(128)));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[a*/]{1,10}", room in "[ab/]{1,10}") {
            let parsed: Pattern = pattern.parse().expect("a pattern");
            prop_assert_eq!(parsed.matches(&room), fits(pattern.as_bytes(), room.as_bytes()));
        }
    }
}
