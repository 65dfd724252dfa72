//! The token: when another is asked for, and what follows where it comes, or does not.

use core::time::Duration;

use crate::{
    codec::Frame as _,
    frame::{ClientFrame, Token},
    time::{Instant, parts},
};

use super::{Client, Event, State};

/// Whether a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Not as things are.
    Never,
    /// At this moment: to renew the one in use, or once more after a try in vain.
    At(Instant),
    /// It was, and is to come by then.
    Until(Instant),
}

/// Why there is no token to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Who was asked for one could not give it. It is asked again after a wait.
    Failed,
    /// Who was asked for one took too long. It is asked again after a wait.
    TimedOut,
    /// The server says that it has expired, and there is nobody to ask for another, or that has expired too. Nothing is tried
    /// until one is given.
    Expired,
}

impl Client {
    /// One was given, or could not be.
    pub(super) fn on_token(&mut self, token: Option<Box<[u8]>>) {
        let Some(token) = token else {
            return self.on_no_token(TokenError::Failed);
        };
        self.token = token;
        // The server will say for how long it is good.
        self.on_token_life(Duration::ZERO);
        match &self.state {
            State::Open(_) => {
                let token = Token(&self.token);
                ClientFrame::Authenticate { token }.encode(&mut self.batch);
            }
            State::Unauthorized(_) => self.connect(),
            _ => {}
        }
    }

    /// The one in use is good for so long, zero for ever. It is renewed when four fifths of that have passed.
    pub(super) fn on_token_life(&mut self, life: Duration) {
        (self.token_expires, self.ask) = (None, Ask::Never);
        if !life.is_zero() {
            self.token_expires = Some(self.now + life);
            self.ask = Ask::At(self.now + parts(life, 4, 5));
        }
    }

    pub(super) fn is_token_expired(&self) -> bool {
        self.token_expires.is_some_and(|at| at <= self.now)
    }

    /// The server says that the one in use has expired. That is said of each at most once while nothing works: who is asked
    /// gives what is no better, or the clocks differ.
    pub(super) fn on_token_expired(&mut self, was_useful: bool) {
        if core::mem::replace(&mut self.is_token_doubtful, true) && !was_useful {
            self.enter(State::Unauthorized(Some(TokenError::Expired)));
        } else {
            self.need_token();
        }
    }

    /// Goes nowhere without another one, and asks for it unless that was done.
    pub(super) fn need_token(&mut self) {
        if self.settings.token_timeout.is_none() {
            return self.enter(State::Unauthorized(Some(TokenError::Expired)));
        }
        if !matches!(self.ask, Ask::Until(_)) {
            self.ask = Ask::At(self.now);
        }
        self.enter(State::Unauthorized(None));
    }

    pub(super) const fn ask_deadline(&self) -> Option<Instant> {
        match self.ask {
            Ask::At(at) | Ask::Until(at) => Some(at),
            Ask::Never => None,
        }
    }

    pub(super) fn check_token(&mut self) {
        if self.ask_deadline().is_none_or(|at| at > self.now) {
            return;
        }
        if let Ask::Until(_) = self.ask {
            return self.on_no_token(TokenError::TimedOut);
        }
        self.ask = Ask::Never;
        if let Some(timeout) = self.settings.token_timeout {
            self.ask = Ask::Until(self.now + timeout);
            self.event(Event::TokenNeeded);
            self.show_token(None);
        }
    }

    /// It is asked for again, but not at once.
    fn on_no_token(&mut self, why: TokenError) {
        self.ask = Ask::At(self.now + self.backoff.next(self.is_hidden));
        self.show_token(Some(why));
    }

    fn show_token(&mut self, why: Option<TokenError>) {
        if let State::Unauthorized(_) = self.state {
            self.enter(State::Unauthorized(why));
        }
    }
}
