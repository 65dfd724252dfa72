//! What a session or an address sends: what is refused of it, and how long to read no more.

use std::{sync::Arc, time::Duration};

use super::{
    meter::{Limiter, Meter},
    rate::Rate,
};
use crate::clock::Clock;

/// The rates that all sessions, or all addresses, are held to.
#[derive(Debug)]
pub(crate) struct Rates {
    messages: Limiter,
    /// Twice that, of all frames: what is over the first is refused, and refusing has its cost.
    frames: Limiter,
    bytes: Limiter,
}

/// How much of them one has used.
#[derive(Debug)]
pub(crate) struct Usage {
    rates: Arc<Rates>,
    messages: Meter,
    frames: Meter,
    bytes: Meter,
}

/// What was read and is not paid for yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) frames: u32,
    pub(crate) bytes: u32,
}

impl Rates {
    pub(crate) fn new(messages: Option<Rate>, bytes: Option<Rate>, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            messages: Limiter::new(messages, clock),
            frames: Limiter::new(messages.map(Rate::doubled), clock),
            bytes: Limiter::new(bytes, clock),
        })
    }
}

impl Usage {
    pub(crate) fn new(rates: &Arc<Rates>) -> Self {
        Self {
            rates: Arc::clone(rates),
            messages: Meter::default(),
            frames: Meter::default(),
            bytes: Meter::default(),
        }
    }

    /// Whether a message may be said; where not, when the next.
    pub(crate) fn say(&self) -> Result<(), Duration> {
        self.rates.messages.take(&self.messages, 1)
    }

    /// Pays for what was read, as much of it as can be paid; says how long to wait where some is left.
    pub(crate) fn pay(&self, owed: &mut Owed) -> Option<Duration> {
        let frames = pay(&self.rates.frames, &self.frames, &mut owed.frames);
        let bytes = pay(&self.rates.bytes, &self.bytes, &mut owed.bytes);
        frames.max(bytes)
    }
}

fn pay(limiter: &Limiter, meter: &Meter, owed: &mut u32) -> Option<Duration> {
    let wait = limiter.take(meter, *owed).err();
    if wait.is_none() {
        *owed = 0;
    }
    wait
}

impl Owed {
    pub(crate) fn add(&mut self, other: Self) {
        self.frames = self.frames.saturating_add(other.frames);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_paid_is_owed_until_it_can() {
        let rates = Rates::new(Rate::new(10, 10), Rate::new(1000, 1000), Clock::new());
        let usage = Usage::new(&rates);
        let mut owed = Owed {
            frames: 20,
            bytes: 1000,
        };
        assert_eq!(usage.pay(&mut owed), None);
        assert!(owed.is_nothing());
        owed.add(Owed { frames: 1, bytes: 500 });
        // Of frames there are twice as many a second as of messages.
        assert_eq!(usage.pay(&mut owed), Some(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(usage.pay(&mut owed), Some(Duration::from_millis(450)));
        assert_eq!(owed, Owed { frames: 0, bytes: 500 });
        tokio::time::advance(Duration::from_millis(450)).await;
        assert_eq!(usage.pay(&mut owed), None);
    }

    #[tokio::test(start_paused = true)]
    async fn messages_are_refused_before_frames_are_held() {
        let usage = Usage::new(&Rates::new(Rate::new(1, 2), None, Clock::new()));
        let mut owed = Owed { frames: 3, bytes: 0 };
        assert_eq!((usage.say(), usage.say()), (Ok(()), Ok(())));
        assert_eq!(usage.say(), Err(Duration::from_secs(1)));
        assert_eq!(usage.pay(&mut owed), None);
    }
}
