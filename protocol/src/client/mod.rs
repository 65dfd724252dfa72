//! The client's side: a session that outlives its transports.
//!
//! What happened goes in through [`Client::handle_input`], with the time; then [`Client::poll_output`] is to be called until
//! it returns [`Output::Timeout`], and `handle_input` again at that moment or when something happens.

mod deadlines;
mod event;
mod outbox;
mod receive;
mod settings;
mod subscription;

use core::time::Duration;
use std::collections::VecDeque;

use crate::{
    backoff::Backoff,
    codec::Frame as _,
    codes::{CloseCode, Reconnect},
    frame::{ClientFrame, Close, Hello, Nonce, Publish, Start, Terms, Token, VERSION},
    ids::{MemberId, RoomName, SessionId},
    payload::OwnedPayload,
    time::Instant,
};

pub use self::{
    event::{Attempt, ClientState, Event, Input, Output},
    outbox::{OutboxLimits, PublishError, PublishId},
    settings::Settings,
    subscription::SubscriptionId,
};
use self::{outbox::Outbox, subscription::Subscriptions};

/// A client's session.
#[derive(Debug)]
pub struct Client {
    state: State,
    settings: Settings,
    /// The latest moment it was told; a clock that goes back is not followed.
    now: Instant,
    session: Option<SessionId>,
    /// How others see the session.
    member: Option<MemberId>,
    /// Who sent the last message: often the next one's sender too.
    sender: Option<MemberId>,
    token: Box<[u8]>,
    subscriptions: Subscriptions,
    outbox: Outbox,
    backoff: Backoff,
    /// Which kind of transport is in use, and how often in a row it was of no use.
    transport: usize,
    failures: u32,
    last_attempt: Attempt,
    last_nonce: u32,
    /// Whether there may be a network, as far as it was told.
    is_online: bool,
    /// Frames that are to be sent on the open transport, encoded.
    batch: Vec<u8>,
    outputs: VecDeque<Output>,
}

/// ```text
/// Idle ── connect ──> Connecting ── opened ──> Opening ── welcome ──> Open
///                      ^   ^  └─────── lost ─────┴─────── lost ──────┘
///                      │   └── time ── Waiting <─┤ no network ──> Offline
///                      └────── token ─ Unauthorized <─┘
/// any ── close, or a code that says never ──> Closed
/// ```
#[derive(Debug)]
enum State {
    Idle,
    Connecting { attempt: Attempt, deadline: Instant },
    Opening { attempt: Attempt, deadline: Instant },
    Open(Open),
    Waiting { until: Instant },
    Offline,
    Unauthorized,
    Closed(CloseCode),
}

#[derive(Debug)]
struct Open {
    attempt: Attempt,
    since: Instant,
    heard: Instant,
    terms: Terms,
    /// When a sign of life must have come that was asked for.
    probe: Option<Instant>,
    /// When to leave for another transport, as the server asked.
    leave: Option<Instant>,
    /// When a new token is to be asked for.
    renew: Option<Instant>,
    /// The ping whose round trip the user wants to know, and when it was sent.
    timed: Option<(Nonce, Instant)>,
}

impl Client {
    /// A client that does nothing until [`Input::Connect`]. All its random waits follow from `seed`.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, seed: u64) -> Self {
        Self {
            state: State::Idle,
            now,
            session: None,
            member: None,
            sender: None,
            token: Box::default(),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(settings.outbox),
            backoff: Backoff::new(settings.backoff, seed),
            transport: 0,
            failures: 0,
            last_attempt: Attempt(0),
            last_nonce: 0,
            is_online: true,
            batch: Vec::new(),
            outputs: VecDeque::new(),
            settings,
        }
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> ClientState {
        match &self.state {
            State::Idle => ClientState::Idle,
            State::Connecting { .. } | State::Opening { .. } => ClientState::Connecting,
            State::Open(_) => ClientState::Open,
            State::Waiting { until } => ClientState::Waiting(until.since(self.now)),
            State::Offline => ClientState::Offline,
            State::Unauthorized => ClientState::Unauthorized,
            State::Closed(code) => ClientState::Closed(*code),
        }
    }

    /// How others see its session, once it has one.
    #[must_use]
    pub const fn member(&self) -> Option<&MemberId> {
        self.member.as_ref()
    }

    /// How many publishes wait for an answer, sent or not.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outbox.len()
    }

    /// Subscribes to a room; `None` where it is subscribed to already.
    pub fn subscribe(&mut self, now: Instant, room: RoomName, start: Start, presence: bool) -> Option<SubscriptionId> {
        let id = self.subscriptions.add(room, start, presence)?;
        self.handle_input(now, Input::Timeout);
        Some(id)
    }

    /// Ends a subscription. What was on its way is dropped.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(request) = self.subscriptions.remove(id) {
            self.send(&ClientFrame::Unsubscribe { request });
        }
        self.handle_input(now, Input::Timeout);
    }

    /// Stops the messages of a subscription whose user does not take them. The room's log waits, and this its place in it.
    /// Signals, and who joined or left, are missed meanwhile.
    pub fn pause(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(request) = self.subscriptions.pause(id) {
            self.send(&ClientFrame::Unsubscribe { request });
        }
        self.handle_input(now, Input::Timeout);
    }

    /// Goes on after [`pause`](Self::pause), with the next message or a gap.
    pub fn resume(&mut self, now: Instant, id: SubscriptionId) {
        self.subscriptions.resume(id);
        self.handle_input(now, Input::Timeout);
    }

    /// Asks how long a round trip takes: [`Event::RoundTrip`] tells. Says whether there is a connection to ask on.
    pub fn ping(&mut self, now: Instant) -> bool {
        self.handle_input(now, Input::Timeout);
        let State::Open(open) = &mut self.state else {
            return false;
        };
        let nonce = Nonce(self.last_nonce.wrapping_add(1).max(1));
        self.last_nonce = nonce.0;
        open.timed = Some((nonce, self.now));
        self.send(&ClientFrame::Ping(nonce));
        true
    }

    /// Publishes to a room. What became of it is told by an event. Where it cannot be sent within `ttl`, it is not sent.
    ///
    /// # Errors
    ///
    /// Gives the payload back where the outbox is full, or the client closed.
    pub fn publish(
        &mut self,
        now: Instant,
        room: RoomName,
        payload: OwnedPayload,
        ttl: Option<Duration>,
    ) -> Result<PublishId, OwnedPayload> {
        if let State::Closed(_) = self.state {
            return Err(payload);
        }
        let id = self.outbox.push(self.now.max(now), room, payload, ttl)?;
        self.handle_input(now, Input::Timeout);
        Ok(id)
    }

    /// Signals to who is in a room. It is dropped where there is no connection, and says so.
    pub fn signal(&mut self, now: Instant, room: &RoomName, payload: &OwnedPayload) -> bool {
        let is_open = matches!(self.state, State::Open(_));
        if is_open {
            self.send(&ClientFrame::Signal {
                room: room.as_str(),
                payload: payload.as_payload(),
            });
        }
        self.handle_input(now, Input::Timeout);
        is_open
    }

    /// Takes what happened. Deadlines are looked at with every input, so that late timers do no harm.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        match input {
            Input::Connect if matches!(self.state, State::Idle) => self.connect(),
            Input::Opened(attempt) => self.on_opened(attempt),
            Input::Received(attempt, batch) if self.is_current(attempt) => self.on_received(batch),
            Input::Lost(attempt, code) if self.is_current(attempt) => self.on_lost(code),
            Input::Token(token) => self.on_token(token),
            Input::Offline => self.on_offline(),
            Input::Online => self.on_online(),
            Input::Wake => self.on_wake(),
            Input::Close => self.close(CloseCode::NORMAL),
            // What comes of an old attempt ends here.
            _ => {}
        }
        self.check_deadlines();
        self.expire_publishes();
        self.fill_batch();
    }

    /// What it wants next.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        if !self.batch.is_empty()
            && let Some(attempt) = self.attempt()
        {
            return Output::Send(attempt, core::mem::take(&mut self.batch));
        }
        Output::Timeout(self.next_deadline())
    }

    const fn attempt(&self) -> Option<Attempt> {
        match &self.state {
            State::Connecting { attempt, .. } | State::Opening { attempt, .. } | State::Open(Open { attempt, .. }) => {
                Some(*attempt)
            }
            _ => None,
        }
    }

    fn is_current(&self, attempt: Attempt) -> bool {
        self.attempt() == Some(attempt)
    }

    /// The one place where the state changes.
    fn enter(&mut self, state: State) {
        let before = self.state();
        self.state = state;
        if self.state() != before {
            self.event(Event::State(self.state()));
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn send(&mut self, frame: &ClientFrame<'_>) {
        frame.encode(&mut self.batch);
    }

    fn connect(&mut self) {
        self.last_attempt.0 += 1;
        let attempt = self.last_attempt;
        self.outputs.push_back(Output::Connect(attempt, self.transport));
        self.enter(State::Connecting {
            attempt,
            deadline: self.now + self.settings.connect_timeout,
        });
    }

    fn on_opened(&mut self, opened: Attempt) {
        let State::Connecting { attempt, deadline } = self.state else {
            return;
        };
        if attempt == opened {
            let hello = Hello {
                version: VERSION,
                attempt: attempt.0,
                session: self.session,
                answered: self.outbox.answered(),
                token: Token(&self.token),
            };
            ClientFrame::Hello(hello).encode(&mut self.batch);
            self.enter(State::Opening { attempt, deadline });
        }
    }

    fn on_token(&mut self, token: Box<[u8]>) {
        self.token = token;
        match &mut self.state {
            State::Open(open) => {
                open.renew = None;
                let token = Token(&self.token);
                ClientFrame::Authenticate { token }.encode(&mut self.batch);
            }
            State::Unauthorized => self.connect(),
            _ => {}
        }
    }

    fn on_offline(&mut self) {
        self.is_online = false;
        match &self.state {
            State::Waiting { .. } => self.enter(State::Offline),
            // What was said to be gone is often back; but it is not trusted.
            State::Open(_) => self.probe(),
            _ => {}
        }
    }

    fn on_online(&mut self) {
        self.is_online = true;
        self.on_wake();
    }

    fn on_wake(&mut self) {
        match &self.state {
            State::Waiting { .. } | State::Offline if self.is_online => self.connect(),
            State::Open(_) => self.probe(),
            _ => {}
        }
    }

    /// Asks for a sign of life, unless it is waited for already.
    fn probe(&mut self) {
        let deadline = self.now + self.settings.probe_timeout;
        if let State::Open(open) = &mut self.state
            && open.probe.is_none()
        {
            open.probe = Some(deadline);
            self.send(&ClientFrame::Ping(PROBE));
        }
    }

    /// The transport ended by itself, or is given up.
    fn on_lost(&mut self, code: Option<CloseCode>) {
        let code = code.unwrap_or(CloseCode::ABNORMAL);
        let was_useful = self.leave_transport();
        match code.reconnect() {
            _ if code == CloseCode::TOKEN_EXPIRED => {
                self.enter(State::Unauthorized);
                self.event(Event::TokenNeeded);
            }
            Reconnect::Never => self.end(code),
            _ if !self.is_online => self.enter(State::Offline),
            // The first try after a connection that was of use is at once; after that, and where the server
            // asks for it, there is a wait.
            Reconnect::AtOnce if was_useful && self.backoff.is_fresh() => self.connect(),
            Reconnect::AtOnce | Reconnect::AfterDelay => {
                let wait = self.backoff.next();
                self.enter(State::Waiting { until: self.now + wait });
            }
        }
    }

    /// Forgets the transport, and says whether it was of use.
    fn leave_transport(&mut self) -> bool {
        let was_useful = match &self.state {
            State::Open(open) => self.now.since(open.since) >= self.settings.useful_after,
            _ => false,
        };
        if was_useful {
            self.backoff.reset();
            self.failures = 0;
        } else if self.attempt().is_some() {
            self.failures += 1;
            if self.failures >= self.settings.failures_before_next {
                self.failures = 0;
                self.transport = (self.transport + 1) % self.settings.transports.max(1);
            }
        }
        self.batch.clear();
        self.subscriptions.detach();
        was_useful
    }

    /// Gives the transport up.
    fn drop_transport(&mut self, code: CloseCode) {
        if let Some(attempt) = self.attempt() {
            self.outputs.push_back(Output::Disconnect(attempt));
            self.on_lost(Some(code));
        }
    }

    /// Says farewell, and ends.
    fn close(&mut self, code: CloseCode) {
        if let State::Closed(_) = self.state {
            return;
        }
        if let Some(attempt) = self.attempt() {
            if let State::Open(_) = self.state {
                self.send(&ClientFrame::Close(Close { code, reason: "" }));
                let batch = core::mem::take(&mut self.batch);
                self.outputs.push_back(Output::Send(attempt, batch));
            }
            self.outputs.push_back(Output::Disconnect(attempt));
        }
        self.end(code);
    }

    /// The one place where a client ends.
    fn end(&mut self, code: CloseCode) {
        self.batch.clear();
        for (entry, was_sent) in self.outbox.close() {
            let error = if was_sent {
                PublishError::Unconfirmed
            } else {
                PublishError::Closed
            };
            self.event(Event::PublishFailed(entry.id, error, entry.payload));
        }
        self.enter(State::Closed(code));
    }

    /// Says what is due on an open connection: subscriptions, and publishes in their order.
    fn fill_batch(&mut self) {
        let State::Open(Open { attempt, terms, .. }) = &self.state else {
            return;
        };
        while let Some(subscribe) = self.subscriptions.next_to_request() {
            ClientFrame::Subscribe(subscribe).encode(&mut self.batch);
        }
        while let Some((sequence, entry)) = self.outbox.next_to_send(attempt.0, terms.max_unanswered) {
            let (room, payload) = (entry.room.as_str(), entry.payload.as_payload());
            ClientFrame::Publish(Publish {
                sequence,
                room,
                payload,
            })
            .encode(&mut self.batch);
        }
    }
}

/// The nonce of a ping that only asks for a sign of life.
const PROBE: Nonce = Nonce(0);
