//! Which kinds of transport a client has: as it was made, or as its user has chosen since.

use crate::time::Instant;

use super::{Client, Climb, Input, Open, Output, State, TransportKind};

impl Client {
    /// The kinds of transport that it may have, in the order in which they are tried.
    #[must_use]
    pub fn transports(&self) -> &[TransportKind] {
        &self.settings.transports
    }

    /// Has these kinds of transport from now on, to be tried in their order; an empty list changes nothing.
    ///
    /// What it talks over stays if it is one of them, and moves up as it would otherwise, but at once. If it is not, the first
    /// takes its place at once. The session goes on either way. To be called when there is no output left, since outputs name
    /// kinds by their place in the list.
    pub fn set_transports(&mut self, now: Instant, kinds: Vec<TransportKind>) {
        self.now = self.now.max(now);
        let used = self.kind(self.transport);
        let place = kinds.iter().position(|kind| *kind == used);
        match place {
            _ if kinds.is_empty() => {}
            Some(place) if self.is_settled() => {
                self.leave_climb();
                self.put_transports(kinds, place);
                let climb = self.next_climb();
                if let State::Open(open) = &mut self.state {
                    open.climb = climb;
                }
                self.climb_now();
            }
            _ => self.start_over(kinds),
        }
        self.handle_input(now, Input::Timeout);
    }

    /// Whether it can talk, and is not just about to move.
    const fn is_settled(&self) -> bool {
        match &self.state {
            State::Open(Open { climb, .. }) => !matches!(climb, Climb::Greeted(_)),
            _ => false,
        }
    }

    /// Leaves the transport that there is, and connects by the first of these kinds unless it is to stay away.
    fn start_over(&mut self, kinds: Vec<TransportKind>) {
        if let Some(attempt) = self.attempt() {
            self.outputs.push_back(Output::Disconnect(attempt));
            self.leave_transport();
        }
        self.put_transports(kinds, 0);
        match &self.state {
            State::Idle | State::Offline | State::Unauthorized(_) | State::Closed(_) => {}
            State::Connecting { .. } | State::Opening { .. } | State::Open(_) | State::Waiting { .. } => self.connect(),
        }
    }

    /// Nothing is known of them yet.
    fn put_transports(&mut self, kinds: Vec<TransportKind>, place: usize) {
        self.settings.transports = kinds;
        self.transport = place;
        (self.failures, self.is_proven, self.climbs) = (0, false, 0);
    }
}
