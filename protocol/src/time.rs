//! The time that machines are told.

use core::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// A moment: the time since a beginning of the driver's choice, the same for all inputs of a machine.
///
/// It should come from a clock that does not go back. Where one does, machines keep the latest moment they were told.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// One number is compared in a third of the code of a [`Duration`].
    nanos: u64,
}

impl Instant {
    /// The moment so long after the beginning. After some 580 years time ends.
    #[must_use]
    pub const fn new(elapsed: Duration) -> Self {
        Self { nanos: nanos(elapsed) }
    }

    /// How long it is after the beginning.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// How much later this is; zero where it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

/// In a second.
const NANOS: u64 = 1_000_000_000;

pub(crate) const fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs();
    if seconds < u64::MAX / NANOS {
        seconds * NANOS + duration.subsec_nanos() as u64
    } else {
        u64::MAX
    }
}

/// So many of the parts of a time, which has `of` of them.
pub(crate) const fn parts(duration: Duration, count: u64, of: u64) -> Duration {
    Duration::from_nanos((nanos(duration) / of).saturating_mul(count))
}

/// The earlier of two deadlines, or the only one.
pub(crate) fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// A wait too long to be told ends at the end of time.
    fn add(self, duration: Duration) -> Self {
        let nanos = self.nanos.saturating_add(nanos(duration));
        Self { nanos }
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.elapsed(), f)
    }
}
