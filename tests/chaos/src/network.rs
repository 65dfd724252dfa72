//! What breaks the connections, and what it counts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A network that keeps breaking, and the server behind it. It is bad from the beginning.
pub trait Network {
    /// What it has done so far, after a moment in which it could do more.
    fn counters(&mut self) -> impl Future<Output = Result<Counters, String>>;

    /// Whether the server that is replaced ends as it should: then nothing of its logs may be missing for anybody, and nobody may
    /// be left without an answer.
    fn is_graceful(&self) -> bool {
        false
    }

    /// Replaces the server by one that knows nothing of what was before.
    fn replace_server(&mut self) -> impl Future<Output = Result<(), String>>;

    /// Cuts all that is open once more, and is good from then on.
    fn heal(&mut self) -> impl Future<Output = Result<(), String>>;
}

/// What befell connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Connections that were made.
    pub connections: u64,
    /// Of these, those that were refused.
    pub refused: u64,
    /// Connections that were ended without either side's doing; half-open ones come to this too.
    pub cut: u64,
    /// Connections that were reset.
    pub reset: u64,
    /// Connections that swallowed what was sent on them.
    pub half_open: u64,
    /// Connections that passed nothing on for a while.
    pub stalled: u64,
    /// Connections that became slow.
    pub slowed: u64,
    /// Bytes that were passed on.
    pub passed_bytes: u64,
    /// Bytes that were swallowed.
    pub swallowed_bytes: u64,
}

impl Counters {
    /// How many connections were ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.cut + self.reset
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            refused,
            cut,
            reset,
            half_open,
            stalled,
            slowed,
            ..
        } = self;
        write!(
            f,
            "{connections} connections, {cut} cut, of these {half_open} after being half-open, {reset} reset, {refused} \
             refused, {stalled} stalled, {slowed} slow"
        )
    }
}
