//! A connection's deadlines: when the client has been silent for too long, or we have.

use crate::{
    codes::CloseCode,
    frame::{Nonce, ServerFrame},
    time::Instant,
};

use super::{Connection, State, poll::Poll};

impl Connection {
    pub(super) fn check_deadlines(&mut self) {
        if self.next_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        let is_over = self.limit() <= self.now;
        match &self.state {
            State::AwaitingHello { deadline } if *deadline <= self.now => self.close(CloseCode::NO_HELLO),
            State::Open(open) if open.token_expires.is_some_and(|at| at <= self.now) => {
                self.close(CloseCode::TOKEN_EXPIRED);
            }
            // It has no other deadline.
            State::Attaching { .. } if self.is_poll() => self.close(CloseCode::TRY_AGAIN_LATER),
            _ if is_over && !self.is_poll() => self.close(CloseCode::SILENT),
            State::Open(_) => {
                self.sent = self.now;
                self.awaits = None;
                self.send(&ServerFrame::Ping(Nonce(0)));
            }
            _ => {}
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let limit = self.limit();
        match &self.state {
            State::AwaitingHello { deadline } => Some((*deadline).min(limit)),
            State::Attaching { .. } => Some(limit),
            State::Open(_) if self.is_answer_due() => None,
            State::Open(open) => {
                let ping = self.sent + self.settings.terms.ping_interval;
                Some(limit.min(ping).min(open.token_expires.unwrap_or(limit)))
            }
            State::Closed => None,
        }
    }

    /// When the connection is over if nothing is heard, or the poll is if there is no news.
    fn limit(&self) -> Instant {
        let terms = &self.settings.terms;
        let patience = match self.poll {
            Poll::No => terms.silence_timeout,
            Poll::Waits | Poll::Due => terms.ping_interval,
        };
        self.heard + patience
    }
}
