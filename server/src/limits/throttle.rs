//! Holds what a connection sends to its session's rates and its address's: beyond them nothing is read until it is time.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    address::Address,
    usage::{Owed, Rates, Usage},
};

/// Of one connection. What was read is paid for before more is.
#[derive(Debug)]
pub(crate) struct Throttle {
    address: Option<Arc<Address>>,
    session: Option<Arc<Usage>>,
    owed_by_address: Owed,
    owed_by_session: Owed,
    /// When to ask again.
    until: Option<Instant>,
}

impl Throttle {
    /// Of a connection whose session is not known yet.
    pub(crate) fn new(address: Option<Arc<Address>>) -> Self {
        Self {
            address,
            session: None,
            owed_by_address: Owed::default(),
            owed_by_session: Owed::default(),
            until: None,
        }
    }

    /// Of a connection that is all there is of a session.
    pub(crate) fn of_connection(address: Option<Arc<Address>>, rates: &Arc<Rates>) -> Self {
        Self {
            session: Some(Arc::new(Usage::new(rates))),
            ..Self::new(address)
        }
    }

    pub(crate) fn address(&self) -> Option<&Arc<Address>> {
        self.address.as_ref()
    }

    /// It is known for which session the connection speaks.
    pub(crate) fn set_session(&mut self, session: Arc<Usage>) {
        self.session = Some(session);
    }

    /// Something was read.
    pub(crate) fn add(&mut self, read: Owed) {
        self.owed_by_address.add(read);
        self.owed_by_session.add(read);
    }

    /// Whether something may be said that is dropped otherwise.
    pub(crate) fn may_signal(&self) -> bool {
        let of_address = self.address.as_ref().map(|address| address.usage());
        let mut all = self.session.as_deref().into_iter().chain(of_address);
        all.all(|usage| usage.say().is_ok())
    }

    /// Whether more may be read now; where not, [`deadline`](Self::deadline) says when to ask again.
    pub(crate) fn takes_input(&mut self) -> bool {
        if self.owed_by_address.is_nothing() && self.owed_by_session.is_nothing() {
            return true;
        }
        if self.until.is_some_and(|until| until > Instant::now()) {
            return false;
        }
        let address = self
            .address
            .as_ref()
            .map(|it| it.usage().pay(&mut self.owed_by_address));
        let session = self.session.as_ref().map(|it| it.pay(&mut self.owed_by_session));
        if address.is_none() {
            self.owed_by_address = Owed::default();
        }
        let wait = address.flatten().max(session.flatten());
        self.until = wait.map(|wait| Instant::now() + wait);
        self.until.is_none()
    }

    /// The deadline has passed, whether or not anything is to be read.
    pub(crate) fn on_deadline(&mut self) {
        self.until = self.until.filter(|until| *until > Instant::now());
    }

    /// Until when nothing is read.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::Clock,
        limits::{Gate, Limits, Rate},
    };

    #[tokio::test(start_paused = true)]
    async fn a_connection_waits_for_whichever_takes_longer() {
        let limits = Limits {
            session_messages: Rate::new(5, 5),
            address_messages: Rate::new(1, 5),
            ..Limits::default()
        };
        let gate = Gate::new(&limits, Clock::new());
        let address = gate.address(Some([192, 0, 2, 1].into()));
        let mut throttle = Throttle::of_connection(address, gate.session_rates());
        throttle.add(Owed { frames: 10, bytes: 0 });
        assert!(throttle.takes_input() && throttle.deadline().is_none());
        throttle.add(Owed { frames: 1, bytes: 0 });
        assert!(!throttle.takes_input());
        assert_eq!(throttle.deadline(), Some(Instant::now() + Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(!throttle.takes_input());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(throttle.takes_input() && throttle.deadline().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_before_the_session_is_known_is_paid_by_it() {
        let limits = Limits {
            session_messages: Rate::new(1, 1),
            ..Limits::default()
        };
        let gate = Gate::new(&limits, Clock::new());
        let mut throttle = Throttle::new(None);
        throttle.add(Owed { frames: 2, bytes: 0 });
        assert!(throttle.takes_input());
        let session = Arc::new(Usage::new(gate.session_rates()));
        throttle.set_session(session);
        assert!(throttle.takes_input());
        throttle.add(Owed { frames: 1, bytes: 0 });
        assert!(!throttle.takes_input());
    }
}
