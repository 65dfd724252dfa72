//! How a client comes to a transport, and what it does when it loses it.

use crate::{
    codec::Frame as _,
    codes::{CloseCode, Reconnect},
    frame::{ClientFrame, Hello, Nonce, Token, VERSION},
};

use super::{Ask, Attempt, Client, Output, Poll, State};

impl Client {
    pub(super) fn connect(&mut self) {
        if self.is_token_expired() {
            return self.need_token();
        }
        let mut timeout = self.settings.connect_timeout;
        if self.transport + 1 < self.settings.transports.len() {
            timeout = timeout.min(self.settings.give_way_after);
        }
        let deadline = self.now + timeout;
        let attempt = self.next_attempt();
        self.enter(State::Connecting { attempt, deadline });
        if self.is_polling() {
            self.say_all(attempt, 0);
            self.enter(State::Opening { attempt, deadline });
        }
    }

    /// Begins a transport.
    pub(super) fn next_attempt(&mut self) -> Attempt {
        self.last_attempt.0 += 1;
        self.outputs
            .push_back(Output::Connect(self.last_attempt, self.transport));
        self.last_attempt
    }

    pub(super) fn on_opened(&mut self, opened: Attempt) {
        let State::Connecting { attempt, deadline } = self.state else {
            return self.on_climbed(opened);
        };
        if attempt == opened {
            self.send_hello(attempt);
            self.enter(State::Opening { attempt, deadline });
        }
    }

    pub(super) fn send_hello(&mut self, attempt: Attempt) {
        let hello = Hello {
            version: VERSION,
            attempt: attempt.0,
            session: self.session,
            answered: self.outbox.answered(),
            token: Token(&self.token),
        };
        ClientFrame::Hello(hello).encode(&mut self.batch);
    }

    pub(super) fn on_offline(&mut self) {
        self.is_online = false;
        match &self.state {
            State::Waiting { .. } => self.enter(State::Offline),
            // What was said to be gone is often back; but it is not trusted.
            State::Open(_) => self.probe(),
            _ => {}
        }
    }

    pub(super) fn on_online(&mut self) {
        self.is_online = true;
        // It may be another network.
        (self.is_proven, self.climbs) = (false, 0);
        self.climb_now();
        self.on_wake();
    }

    pub(super) fn on_wake(&mut self) {
        let soon = self.now + self.settings.probe_timeout;
        match &mut self.state {
            State::Waiting { .. } | State::Offline if self.is_online => self.connect(),
            // What was begun before may be as dead as a link that was open.
            State::Connecting { deadline, .. } | State::Opening { deadline, .. } => *deadline = soon.min(*deadline),
            State::Open(open) => {
                open.is_of_before = true;
                self.probe();
            }
            // Who could not be reached for a token may be now.
            State::Unauthorized(_) if let Ask::At(at) = &mut self.ask => *at = self.now,
            _ => {}
        }
    }

    pub(super) fn on_shown(&mut self) {
        self.is_hidden = false;
        match &self.state {
            State::Open(open) if self.now < open.heard + self.settings.probe_timeout => {}
            State::Connecting { .. } | State::Opening { .. } => {}
            _ => self.on_wake(),
        }
    }

    pub(super) fn suspend(&mut self) {
        if let Some(attempt) = self.attempt() {
            self.outputs.push_back(Output::Disconnect(attempt));
            // It is not the transport's fault.
            self.failures = 0;
            self.leave_transport();
        }
        if !matches!(self.state, State::Idle | State::Unauthorized(_) | State::Closed(_)) {
            self.enter(State::Offline);
        }
    }

    /// Asks for a sign of life, unless it is waited for already.
    pub(super) fn probe(&mut self) {
        let deadline = self.now + self.settings.probe_timeout;
        if let State::Open(open) = &mut self.state
            && open.probe.is_none()
        {
            open.probe = Some(deadline);
            if open.poll == Poll::Asks {
                // It is not waited for.
                open.poll = Poll::Waits;
            }
            self.send(&ClientFrame::Ping(PROBE));
        }
    }

    /// The transport ended by itself, or is given up.
    pub(super) fn on_lost(&mut self, code: Option<CloseCode>) {
        let code = code.unwrap_or(CloseCode::ABNORMAL);
        // A proxy may say so that is not always in the way.
        let is_doubtful = code == CloseCode::MESSAGE_TOO_BIG && self.is_polling() && self.too_big < MAX_TOO_BIG;
        self.too_big += u32::from(is_doubtful);
        let is_of_before = matches!(&self.state, State::Open(open) if open.is_of_before);
        let was_useful = self.leave_transport();
        if code == CloseCode::TAKEN_OVER && self.is_saved {
            // Whoever goes on with the session has the rest of it too.
            (self.session, self.is_saved) = (None, false);
            self.forget_sent();
            return self.connect();
        }
        match code.reconnect() {
            _ if code == CloseCode::TOKEN_EXPIRED => self.on_token_expired(was_useful),
            Reconnect::Never if !is_doubtful => self.end(code),
            _ if !self.is_online => self.enter(State::Offline),
            // The first try after a connection that was of use, or may have been gone for long, is at once; after that,
            // and where the server asks for it, there is a wait.
            Reconnect::AtOnce if is_of_before || was_useful && self.backoff.is_fresh() => self.connect(),
            _ => {
                let wait = self.backoff.next(self.is_hidden);
                self.enter(State::Waiting { until: self.now + wait });
            }
        }
    }

    /// Forgets the transport, and says whether it was of use.
    pub(super) fn leave_transport(&mut self) -> bool {
        self.leave_climb();
        let (is_welcome, was_useful) = match &self.state {
            State::Open(open) => (true, self.now >= open.since + self.settings.useful_after),
            _ => (false, false),
        };
        if was_useful {
            self.backoff.reset();
            (self.failures, self.is_proven) = (0, true);
            if !self.is_polling() {
                self.climbs = 0;
            }
        } else if self.is_online && self.attempt().is_some() {
            self.failures += 1;
            if self.failures >= self.settings.failures_before_next || !(is_welcome || self.is_proven) {
                self.give_way();
            }
        }
        self.batch.clear();
        self.outbox.detach();
        self.subscriptions.detach(false);
        was_useful
    }

    /// The next kind of transport is to be tried.
    fn give_way(&mut self) {
        (self.failures, self.is_proven) = (0, false);
        self.transport += 1;
        if self.transport >= self.settings.transports.len() {
            self.transport = 0;
        }
    }

    /// Gives the transport up.
    pub(super) fn drop_transport(&mut self, code: CloseCode) {
        if let Some(attempt) = self.attempt() {
            self.outputs.push_back(Output::Disconnect(attempt));
            if !self.fall_back(attempt) {
                self.on_lost(Some(code));
            }
        }
    }
}

/// So often a poll that was too large is sent again.
const MAX_TOO_BIG: u32 = 2;
/// The nonce of a ping that only asks for a sign of life.
pub(super) const PROBE: Nonce = Nonce(0);
