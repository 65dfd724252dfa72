//! How much a second, and how much at once.

use std::{fmt, num::NonZeroU32, str::FromStr};

/// So much a second, and so much at once by who was quiet before. Written `500:4000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// A second.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// Why something is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRate;

impl Rate {
    /// A rate; `None` where one of the two is zero.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Option<Self> {
        match (NonZeroU32::new(per_second), NonZeroU32::new(burst)) {
            (Some(per_second), Some(burst)) => Some(Self { per_second, burst }),
            _ => None,
        }
    }

    /// Twice as much.
    pub(crate) const fn doubled(self) -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            per_second: self.per_second.saturating_mul(two),
            burst: self.burst.saturating_mul(two),
        }
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (per_second, burst) = text.split_once(':').ok_or(InvalidRate)?;
        let number = |text: &str| text.trim().parse().map_err(|_| InvalidRate);
        Ok(Self {
            per_second: number(per_second)?,
            burst: number(burst)?,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.per_second, self.burst)
    }
}

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate is two numbers above zero: so many a second, and so many at once, such as 500:4000")
    }
}

impl std::error::Error for InvalidRate {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_two_numbers_above_zero() {
        assert_eq!("500:4000".parse(), Ok(Rate::new(500, 4000).expect("a rate")));
        for text in ["", "500", "0:1", "1:0", "1:x", "1:2:3", "-1:2", "1:4294967296"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }

    #[test]
    fn twice_the_largest_rate_is_the_largest_rate() {
        let largest = Rate::new(u32::MAX, u32::MAX).expect("a rate");
        assert_eq!(largest.doubled(), largest);
        assert_eq!(Rate::new(2, 3).map(Rate::doubled), Rate::new(4, 6));
    }
}
