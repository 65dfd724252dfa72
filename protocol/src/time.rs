//! The time that machines are told.

use core::{
    ops::{Add, Sub},
    time::Duration,
};

/// A moment: the time since a beginning of the driver's choice, the same for all inputs of a machine.
///
/// It should come from a clock that does not go back. Where one does, machines keep the latest moment they were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Duration);

impl Instant {
    /// How much later this is; zero where it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
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
        Self(self.0.saturating_add(duration))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
