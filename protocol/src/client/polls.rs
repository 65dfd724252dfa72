//! A session over polls: each says all that there is to say, one answer ends it, and the next follows.

use crate::frame::ClientFrame;

use super::{Attempt, Client, Open, Output, State, TransportKind, transport::PROBE};

/// What has become of the poll under way. A stream is like one that has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    /// It only waits for news. Another may take its place at once.
    Waits,
    /// It says something that will be answered. What is new waits for that, so that batches form.
    Asks,
    /// The welcome has come, and the rest of the answer with it.
    Answered,
}

impl Client {
    pub(super) fn is_polling(&self) -> bool {
        self.settings.transports.get(self.transport) != Some(&TransportKind::Stream)
    }

    /// Polls again where the last was answered, or only waits while there is something new to say.
    pub(super) fn poll_on(&mut self) {
        let State::Open(Open { poll, terms, .. }) = &self.state else {
            return;
        };
        let max_unanswered = terms.max_unanswered;
        let is_due = match poll {
            Poll::Answered => true,
            Poll::Asks => false,
            Poll::Waits => {
                !self.batch.is_empty() || self.outbox.has_more(max_unanswered) || self.subscriptions.has_more()
            }
        };
        if is_due {
            self.poll(max_unanswered);
        }
    }

    /// Begins a poll that says all that there is to say, but no publish that would be one too many without an answer.
    pub(super) fn poll(&mut self, max_unanswered: u32) {
        if let State::Open(open) = &self.state
            && open.poll != Poll::Answered
        {
            self.outputs.push_back(Output::Disconnect(open.attempt));
        }
        // The next may come to another server, which does not know what the last one had and did not answer.
        self.outbox.detach();
        let attempt = self.next_attempt();
        if let State::Open(open) = &mut self.state {
            (open.attempt, open.heard) = (attempt, self.now);
        }
        self.say_all(attempt, max_unanswered);
    }

    pub(super) fn say_all(&mut self, attempt: Attempt, max_unanswered: u32) {
        let asked = core::mem::take(&mut self.batch);
        self.send_hello(attempt);
        self.batch.extend_from_slice(&asked);
        self.subscriptions.detach(true);
        self.say_subscriptions();
        let before = self.batch.len();
        self.say_publishes(max_unanswered);
        let mut poll = if self.batch.len() > before {
            Poll::Asks
        } else {
            Poll::Waits
        };
        if !asked.is_empty() || !matches!(self.state, State::Open(_)) {
            // To be answered at once: by then the server has had what is not answered by itself.
            self.send(&ClientFrame::Ping(PROBE));
            poll = Poll::Asks;
        }
        if let State::Open(open) = &mut self.state {
            open.poll = poll;
        }
        self.flush(attempt);
    }
}
