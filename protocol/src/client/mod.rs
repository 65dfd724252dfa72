//! The client's side: a session that outlives its transports.
//!
//! What happened goes in through [`Client::handle_input`], with the time; then [`Client::poll_output`] is to be called until
//! it returns [`Output::Timeout`], and `handle_input` again at that moment or when something happens.

mod climb;
mod deadlines;
mod event;
mod kinds;
mod outbox;
mod polls;
mod receive;
mod requests;
mod saved;
mod settings;
mod subscription;
mod token;
mod transport;

use std::collections::VecDeque;

use crate::{
    backoff::Backoff,
    codec::Frame as _,
    codes::CloseCode,
    frame::{ClientFrame, Close, Nonce, Publish, Terms},
    ids::{MemberId, RoomName, SessionId},
    payload::OwnedPayload,
    time::Instant,
};

use self::{climb::Climb, outbox::Outbox, polls::Poll, subscription::Subscriptions, token::Ask};
pub use self::{
    event::{Attempt, ClientState, Event, Input, Output},
    outbox::{OutboxLimits, PublishError, PublishId},
    settings::{Settings, TransportKind},
    subscription::SubscriptionId,
    token::TokenError,
};

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
    /// Where that is known.
    token_expires: Option<Instant>,
    /// Whether the server has said of one that it had expired, and nothing has worked since.
    is_token_doubtful: bool,
    ask: Ask,
    subscriptions: Subscriptions,
    outbox: Outbox,
    backoff: Backoff,
    /// Which kind of transport is in use, how often in a row it was of no use, and whether it has been of use.
    transport: usize,
    failures: u32,
    is_proven: bool,
    /// How often in a row a stream was tried in vain beside polls.
    climbs: u32,
    /// How often in a row a poll was said to be too large.
    too_big: u32,
    last_attempt: Attempt,
    last_nonce: u32,
    /// Whether there may be a network, as far as it was told.
    is_online: bool,
    /// Whether nobody can see the page.
    is_hidden: bool,
    /// Whether another client may have the session too, since it was saved.
    is_saved: bool,
    /// Frames that are to be sent on the open transport, encoded.
    batch: Vec<u8>,
    outputs: VecDeque<Output>,
}

/// ```text
/// Idle ── connect ──> Connecting ── opened ──> Opening ── welcome ──> Open
///                      ^   ^  └─────── lost ─────┴─────── lost ──────┘
///                      │   └── time ── Waiting <─┤ no network ──> Offline
///                      └────── token ─ Unauthorized <─┘ (also in the place of Connecting, where the token has expired)
/// any ── close, or a code that says never ──> Closed
/// ```
/// A poll needs no opening: it goes from `Connecting` to `Opening` at once. `Open` lasts as long as polls follow one another, or a stream takes
/// their place.
#[derive(Debug)]
enum State {
    Idle,
    Connecting {
        attempt: Attempt,
        deadline: Instant,
    },
    Opening {
        attempt: Attempt,
        deadline: Instant,
    },
    Open(Open),
    Waiting {
        until: Instant,
    },
    Offline,
    /// Without a token: it was asked for, or this is why there is none.
    Unauthorized(Option<TokenError>),
    Closed(CloseCode),
}

#[derive(Debug)]
struct Open {
    attempt: Attempt,
    poll: Poll,
    climb: Climb,
    since: Instant,
    heard: Instant,
    terms: Terms,
    /// When a sign of life must have come that was asked for.
    probe: Option<Instant>,
    /// The page or its network has been away since.
    is_of_before: bool,
    /// When to leave for another transport, as the server asked.
    leave: Option<Instant>,
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
            // Where there is somebody to ask, the first one is asked for.
            token_expires: settings.token_timeout.map(|_| now),
            is_token_doubtful: false,
            ask: Ask::Never,
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(settings.outbox),
            backoff: Backoff::new(settings.backoff, seed),
            transport: settings.begin_with,
            failures: 0,
            is_proven: false,
            climbs: 0,
            too_big: 0,
            last_attempt: Attempt(0),
            last_nonce: 0,
            is_online: true,
            is_hidden: false,
            is_saved: false,
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
            State::Connecting { .. } | State::Opening { .. } | State::Unauthorized(None) => ClientState::Connecting,
            State::Open(_) => ClientState::Open,
            State::Waiting { until } => ClientState::Waiting(until.since(self.now)),
            State::Offline => ClientState::Offline,
            State::Unauthorized(Some(why)) => ClientState::Unauthorized(*why),
            State::Closed(code) => ClientState::Closed(*code),
        }
    }

    /// How others see its session, once it has one.
    #[must_use]
    pub const fn member(&self) -> Option<&MemberId> {
        self.member.as_ref()
    }

    /// What its transport is, while it can talk. [`Event::Moved`] tells of another.
    #[must_use]
    pub fn transport(&self) -> Option<TransportKind> {
        match &self.state {
            State::Open(open) => Some(self.kind(match open.climb {
                Climb::Greeted(kind) => kind,
                _ => self.transport,
            })),
            _ => None,
        }
    }

    /// What a transport is that [`Output::Connect`] names by its index.
    #[must_use]
    pub fn kind(&self, index: usize) -> TransportKind {
        let kind = self.settings.transports.get(index);
        kind.copied().unwrap_or(TransportKind::Stream)
    }

    /// How many publishes wait for an answer, sent or not.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outbox.len()
    }

    /// The publishes that wait for an answer, in order.
    pub fn publishes(&self) -> impl Iterator<Item = (PublishId, &RoomName, &OwnedPayload)> {
        let entries = self.outbox.entries();
        entries.map(|entry| (entry.id, &entry.room, &entry.payload))
    }

    /// How many bytes of frames wait for the transport that is to take them: for the next poll, where one is under way.
    #[must_use]
    pub const fn unsaid_bytes(&self) -> usize {
        self.batch.len()
    }

    /// Takes what happened. Deadlines are looked at with every input, so that late timers do no harm.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        match input {
            Input::Connect if matches!(self.state, State::Idle) => self.connect(),
            Input::Opened(attempt) => self.on_opened(attempt),
            Input::Received(attempt, batch) if self.is_current(attempt) => self.on_received(batch),
            Input::Lost(attempt, _) if self.fall_back(attempt) => {}
            Input::Lost(attempt, code) if self.is_current(attempt) => self.on_lost(code),
            Input::Token(token) => self.on_token(token),
            Input::Offline => self.on_offline(),
            Input::Online => self.on_online(),
            Input::Wake => self.on_wake(),
            Input::Hidden => self.is_hidden = true,
            Input::Shown => self.on_shown(),
            Input::Suspend => self.suspend(),
            Input::Close => self.close(CloseCode::NORMAL),
            // What comes of an old attempt ends here.
            _ => {}
        }
        self.check_deadlines();
        self.expire_publishes();
    }

    /// What it wants next.
    pub fn poll_output(&mut self) -> Output {
        if self.outputs.is_empty() {
            self.say();
        }
        match self.outputs.pop_front() {
            Some(output) => output,
            None => Output::Timeout(self.next_deadline()),
        }
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

    /// Says farewell, and ends.
    fn close(&mut self, code: CloseCode) {
        if let State::Closed(_) = self.state {
            return;
        }
        self.leave_climb();
        if let Some(attempt) = self.attempt() {
            if let State::Open(_) = self.state {
                self.send(&ClientFrame::Close(Close { code, reason: "" }));
                if self.is_polling() {
                    self.poll(0);
                } else {
                    self.flush(attempt);
                }
            }
            if let Some(attempt) = self.attempt() {
                self.outputs.push_back(Output::Disconnect(attempt));
            }
        }
        self.end(code);
    }

    /// The one place where a client ends.
    fn end(&mut self, code: CloseCode) {
        self.batch.clear();
        self.fail_publishes(PublishError::Unconfirmed);
        self.fail_publishes(PublishError::Closed);
        self.enter(State::Closed(code));
    }

    /// Gives back the publishes that fail for this reason.
    fn fail_publishes(&mut self, why: PublishError) {
        while let Some(entry) = self.outbox.take_failed(why, self.now) {
            self.event(Event::PublishFailed(entry.id, why, entry.payload));
        }
    }

    /// Sends what is due: subscriptions, and publishes in their order.
    fn say(&mut self) {
        if self.is_polling() {
            return self.poll_on();
        }
        if let State::Open(open) = &self.state {
            if open.poll != Poll::Answered {
                return;
            }
            let max_unanswered = open.terms.max_unanswered;
            self.say_subscriptions();
            self.say_publishes(max_unanswered);
        }
        if !self.batch.is_empty()
            && let Some(attempt) = self.attempt()
        {
            self.flush(attempt);
        }
    }

    fn flush(&mut self, attempt: Attempt) {
        let batch = core::mem::take(&mut self.batch);
        self.outputs.push_back(Output::Send(attempt, batch));
    }

    fn say_subscriptions(&mut self) {
        while let Some(subscribe) = self.subscriptions.next_to_request() {
            ClientFrame::Subscribe(subscribe).encode(&mut self.batch);
        }
    }

    /// As many publishes as a batch takes; the next has the rest.
    fn say_publishes(&mut self, max_unanswered: u32) {
        while self.batch.len() < BATCH_BYTES
            && let Some((sequence, entry)) = self.outbox.next_to_send(max_unanswered)
        {
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

/// A batch takes another publish until it has so many bytes: a fraction of what servers take at once.
const BATCH_BYTES: usize = 64 << 10;
