//! From polls back to a stream: it is opened beside the polls, and takes their place once it could be.

use super::{Attempt, Client, Event, Output, Poll, State, TransportKind};
use crate::time::{Instant, parts};

/// What a client that polls does to have a stream again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Climb {
    /// Nothing: it does not poll, or a stream is not what it would rather have.
    No,
    /// It tries at this moment.
    At(Instant),
    /// A stream is to open by then, and polls go on.
    Opening(Attempt, Instant),
    /// Hello was said on the stream. Until the welcome comes, the way back is to this kind.
    Greeted(usize),
}

impl Client {
    /// When it is to try, if it is to try at all.
    pub(super) fn next_climb(&self) -> Climb {
        if self.is_polling() && self.settings.transports.first() == Some(&TransportKind::Stream) {
            let times = (1 << self.climbs.min(4)).min(10);
            Climb::At(self.now + parts(self.settings.climb_after, times, 1))
        } else {
            Climb::No
        }
    }

    /// It does not wait for that moment.
    pub(super) fn climb_now(&mut self) {
        if let State::Open(open) = &mut self.state
            && let Climb::At(at) = &mut open.climb
        {
            *at = self.now;
        }
    }

    pub(super) fn climb(&mut self) {
        self.last_attempt.0 += 1;
        let (attempt, deadline) = (self.last_attempt, self.now + self.settings.connect_timeout);
        if let State::Open(open) = &mut self.state {
            open.climb = Climb::Opening(attempt, deadline);
            self.outputs.push_back(Output::Connect(attempt, 0));
        }
    }

    /// The stream has opened: hello takes the session over from the poll under way.
    pub(super) fn on_climbed(&mut self, opened: Attempt) {
        let deadline = self.now + self.settings.probe_timeout;
        let State::Open(open) = &mut self.state else { return };
        if !matches!(open.climb, Climb::Opening(attempt, _) if attempt == opened) {
            return;
        }
        let polled = core::mem::replace(&mut open.attempt, opened);
        open.climb = Climb::Greeted(self.transport);
        (open.poll, open.probe) = (Poll::Waits, Some(deadline));
        self.transport = 0;
        self.outputs.push_back(Output::Disconnect(polled));
        self.outbox.detach();
        self.subscriptions.detach(true);
        // Polls have overtaken the attempt that the stream was opened for.
        self.last_attempt.0 += 1;
        let asked = core::mem::take(&mut self.batch);
        self.send_hello(self.last_attempt);
        self.flush(opened);
        self.batch = asked;
    }

    /// Whether a stream that was tried is given up: then polls go on as if it had never been.
    pub(super) fn fall_back(&mut self, lost: Attempt) -> bool {
        let climb = match &self.state {
            State::Open(open) => open.climb,
            _ => return false,
        };
        match climb {
            Climb::Greeted(kind) if self.is_current(lost) => self.transport = kind,
            Climb::Opening(attempt, _) if attempt == lost => {}
            _ => return false,
        }
        self.climbs += 1;
        let (is_greeted, next) = (matches!(climb, Climb::Greeted(_)), self.next_climb());
        if let State::Open(open) = &mut self.state {
            open.climb = next;
            if is_greeted {
                (open.poll, open.probe) = (Poll::Answered, None);
                self.subscriptions.detach(true);
            }
        }
        true
    }

    /// The welcome has come by the stream. If that is of no use, the next kind is tried at once.
    pub(super) fn on_moved_up(&mut self) {
        let now = self.now;
        if let State::Open(open) = &mut self.state
            && let Climb::Greeted(_) = open.climb
        {
            (open.climb, open.since) = (Climb::No, now);
            (self.failures, self.is_proven) = (self.settings.failures_before_next.saturating_sub(1), false);
            self.climbs += 1;
            self.event(Event::Moved);
        }
    }

    /// The session leaves its transport, or ends: nothing is to come of a stream that is opened beside it.
    pub(super) fn leave_climb(&mut self) {
        if let State::Open(open) = &self.state
            && let Climb::Opening(attempt, _) = open.climb
        {
            self.outputs.push_back(Output::Disconnect(attempt));
        }
    }

    /// The stream did not open in time.
    pub(super) fn give_up_climb(&mut self, attempt: Attempt) {
        self.outputs.push_back(Output::Disconnect(attempt));
        self.fall_back(attempt);
    }
}
