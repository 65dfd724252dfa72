//! What a run went through.

use std::fmt;

use crate::Counters;

/// What was survived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Survived {
    /// Messages that were published,
    pub published: u64,
    /// of which these are in a log, and their publishers know,
    pub confirmed: u64,
    /// and these may be, as far as their publishers were told.
    pub unconfirmed: u64,
    /// Messages that subscribers got.
    pub deliveries: u64,
    /// Gaps that subscribers were told, each because the server lost its log.
    pub gaps: u64,
    /// What befell the connections.
    pub faults: Counters,
}

impl Survived {
    /// Whether there were so many messages and connections that were ended.
    pub(crate) fn has(&self, messages: u64, cuts: u64) -> bool {
        self.published >= messages && self.faults.ended() >= cuts
    }
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            published,
            confirmed,
            unconfirmed,
            deliveries,
            gaps,
            faults,
        } = self;
        write!(
            f,
            "{published} messages ({confirmed} confirmed, {unconfirmed} unconfirmed), {deliveries} deliveries, {gaps} gaps; \
             {faults}"
        )
    }
}
