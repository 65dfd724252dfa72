//! Moments, as values: what keeps state is told the time and reads no clock.

use std::time::Duration;

/// A moment, on two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Since the page was loaded; never goes back. For measuring.
    pub(crate) elapsed: Duration,
    /// Local time since midnight. For showing.
    pub(crate) time_of_day: Duration,
}
