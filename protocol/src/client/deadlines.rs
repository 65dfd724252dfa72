//! What a client does when something has not come in time.

use crate::{
    codes::CloseCode,
    time::{Instant, earliest, parts},
};

use super::{Client, Climb, Open, Output, PublishError, State};

impl Client {
    pub(super) fn check_deadlines(&mut self) {
        if self.next_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        let now = self.now;
        match &mut self.state {
            State::Connecting { .. } | State::Opening { .. } => {
                self.is_proven = false;
                self.drop_transport(CloseCode::ABNORMAL);
            }
            State::Waiting { .. } => self.connect(),
            State::Unauthorized(_) => self.check_token(),
            State::Open(open) => {
                if open.probe.is_some_and(|at| at <= now) {
                    return self.drop_transport(CloseCode::ABNORMAL);
                }
                match open.climb {
                    Climb::At(at) if at <= now => return self.climb(),
                    Climb::Opening(attempt, deadline) if deadline <= now => {
                        return self.give_up_climb(attempt);
                    }
                    _ => {}
                }
                if open.leave.is_some_and(|at| at <= now) {
                    return self.move_on();
                }
                self.check_token();
                if let State::Open(open) = &self.state
                    && quiet_since(open) <= now
                {
                    self.probe();
                }
            }
            _ => {}
        }
    }

    /// As the server asked: leaves, and connects again at once.
    fn move_on(&mut self) {
        if let Some(attempt) = self.attempt() {
            self.outputs.push_back(Output::Disconnect(attempt));
            self.leave_transport();
            self.connect();
        }
    }

    pub(super) fn expire_publishes(&mut self) {
        if self.outbox.next_expiry().is_some_and(|at| at <= self.now) {
            self.fail_publishes(PublishError::Expired);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Connecting { deadline, .. } | State::Opening { deadline, .. } => Some(*deadline),
            State::Waiting { until } => Some(*until),
            State::Open(open) => {
                let quiet = open.probe.unwrap_or_else(|| quiet_since(open));
                let climb = match open.climb {
                    Climb::At(at) | Climb::Opening(_, at) => Some(at),
                    Climb::No | Climb::Greeted(_) => None,
                };
                earliest(earliest(Some(quiet), climb), earliest(open.leave, self.ask_deadline()))
            }
            State::Unauthorized(_) => self.ask_deadline(),
            State::Idle | State::Offline | State::Closed(_) => None,
        };
        earliest(state, self.outbox.next_expiry())
    }
}

/// When the server should have been heard: it pings when it has nothing else to say, and half as long again may pass on the
/// way.
fn quiet_since(open: &Open) -> Instant {
    open.heard + parts(open.terms.ping_interval, 3, 2)
}
