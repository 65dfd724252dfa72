//! A poll as a short connection: one batch comes, and one is the answer, once there is something to tell.

use crate::{codec::decode, codes::CloseCode, frame::ClientFrame, ids::Sequence};

use super::{Connection, State};

/// Whether a connection is a poll, and whether its answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    /// It is not: whatever is to be sent is sent at once.
    No,
    /// What there is to send tells the client nothing that it did not know.
    Waits,
    /// There is news, or the connection has closed.
    Due,
}

impl Poll {
    pub(super) fn on_news(&mut self) {
        if *self == Self::Waits {
            *self = Self::Due;
        }
    }
}

impl Connection {
    /// Whether it is one poll.
    #[must_use]
    pub fn is_poll(&self) -> bool {
        self.poll != Poll::No
    }

    /// Whether a poll is to be answered now, with all that there was to send. It waits while that is only what it asked for
    /// itself: a session that goes on, and subscriptions that begin where it said. And it waits for the answers to all that it
    /// publishes, but not longer than a ping interval: what is not answered by then comes again with the next.
    #[must_use]
    pub fn is_answer_due(&self) -> bool {
        self.poll == Poll::Due && (self.awaits.is_none() || self.is_closed())
    }

    /// It publishes something that is to be answered first.
    pub(super) fn on_poll_publishes(&mut self, sequence: Sequence) {
        if self.is_poll() {
            self.awaits = self.awaits.max(Some(sequence));
        }
    }

    /// Publishes are answered in their order.
    pub(super) fn on_poll_answered(&mut self, sequence: Sequence) {
        if self.awaits <= Some(sequence) {
            self.awaits = None;
        }
    }

    /// Frames were sent that do not pass through here: signals, and who is there.
    pub fn handle_beside(&mut self) {
        self.sent = self.now;
        self.poll.on_news();
    }

    /// Who polls says all at once, so what follows hello is kept until it is known whose it is.
    pub(super) fn on_polled(&mut self, batch: Vec<u8>) {
        self.poll = Poll::Waits;
        self.heard = self.now;
        match decode(&batch).next() {
            Some(Ok(ClientFrame::Hello(hello))) => self.on_hello(&hello),
            _ => return self.close(CloseCode::PROTOCOL_ERROR),
        }
        if let State::Attaching { polled } = &mut self.state {
            *polled = batch;
        }
    }
}
