//! A client and a server with one room, connected by a wire that a test cuts where it wants, on a virtual clock.

use std::{collections::VecDeque, time::Duration};

use tidewire_protocol::{
    Admission, CloseCode, ConnectionId, Epoch, Instant, Log, MemberId, OwnedPayload, Retention, RoomName, RoomNumber,
    SessionId, Sessions, Term,
    client::{self, Attempt, Client, Event, PublishId, SubscriptionId, TransportKind},
    frame::Start,
    server::{self, Action, Connection},
};

pub(crate) const SESSION_TTL: Duration = Duration::from_secs(120);
pub(crate) const KINDS: [TransportKind; 2] = [TransportKind::Stream, TransportKind::Polls];
/// More turns than anything takes: who goes round in circles fails and does not hang.
const TURNS: usize = 100_000;

pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) client: Client,
    pub(crate) sessions: Sessions,
    pub(crate) log: Log,
    pub(crate) retention: Retention,
    pub(crate) settings: server::Settings,
    /// Connections by age; the last is the client's present one.
    pub(crate) connections: Vec<(ConnectionId, Connection)>,
    pub(crate) attempt: Option<Attempt>,
    /// The index of its kind.
    kind: usize,
    pub(crate) to_server: VecDeque<Vec<u8>>,
    pub(crate) to_client: VecDeque<Vec<u8>>,
    /// What the present poll is to be answered with, so far.
    answer: Vec<u8>,
    kinds: Vec<TransportKind>,
    /// What the user was told and the test has not looked at.
    pub(crate) events: Vec<Event>,
    /// The codes that the server closed connections with.
    pub(crate) closes: Vec<CloseCode>,
    /// The tokens that the server was shown.
    pub(crate) tokens: Vec<String>,
    epochs: u64,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::by(TransportKind::Stream)
    }

    /// A pair whose transports are of this kind.
    pub(crate) fn by(kind: TransportKind) -> Self {
        Self::with(settings(kind), server::Settings::default(), Retention::default())
    }

    pub(crate) fn with(client: client::Settings, settings: server::Settings, retention: Retention) -> Self {
        let now = Instant::new(Duration::from_secs(1));
        Self {
            now,
            kinds: client.transports.clone(),
            answer: Vec::new(),
            client: Client::new(now, client, 7),
            sessions: Sessions::new(SESSION_TTL, settings.terms.max_unanswered as usize, 10),
            log: Log::new(RoomNumber(1), Epoch(1), retention),
            retention,
            settings,
            connections: Vec::new(),
            attempt: None,
            kind: 0,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            events: Vec::new(),
            closes: Vec::new(),
            tokens: Vec::new(),
            epochs: 1,
        }
    }

    /// A pair whose client is connected and subscribed from now on.
    pub(crate) fn subscribed() -> (Self, SubscriptionId) {
        Self::subscribed_by(TransportKind::Stream)
    }

    /// The same over transports of this kind.
    pub(crate) fn subscribed_by(kind: TransportKind) -> (Self, SubscriptionId) {
        let mut pair = Self::by(kind);
        let id = pair.subscribe(Start::Now);
        pair.tell(client::Input::Connect);
        pair.settle();
        pair.events.clear();
        (pair, id)
    }

    pub(crate) fn subscribe(&mut self, start: Start) -> SubscriptionId {
        let id = self
            .client
            .subscribe(self.now, room(), start, false)
            .expect("a room not subscribed to");
        self.drive_client();
        id
    }

    pub(crate) fn publish(&mut self, text: &str) -> PublishId {
        let id = self
            .client
            .publish(self.now, room(), OwnedPayload::Text(text.into()), None);
        let id = id.expect("room in the outbox");
        self.drive_client();
        id
    }

    /// Somebody else says something.
    pub(crate) fn say(&mut self, text: &str) {
        self.log
            .append(self.now, "other", tidewire_protocol::frame::Payload::Text(text));
    }

    pub(crate) fn tell(&mut self, input: client::Input<'_>) {
        self.client.handle_input(self.now, input);
        self.drive_client();
    }

    /// Lets time pass; both sides' timers fire when they are due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0..TURNS;
        while let Some(next) = self.next_timer().filter(|at| *at <= end) {
            assert!(turns.next().is_some(), "timers fire again and again");
            self.now = self.now.max(next);
            self.tell(client::Input::Timeout);
            self.tell_server(&server::Input::Timeout);
            self.settle();
        }
        self.now = end;
    }

    fn next_timer(&mut self) -> Option<Instant> {
        let client = match self.client.poll_output() {
            client::Output::Timeout(at) => at,
            output => panic!("left over: {output:?}"),
        };
        let server = self
            .connections
            .last_mut()
            .and_then(|(_, connection)| match connection.poll_output() {
                server::Output::Timeout(at) => at,
                output => panic!("left over: {output:?}"),
            });
        [client, server].into_iter().flatten().min()
    }

    /// Delivers all that is on its way, both ways, until there is no more.
    pub(crate) fn settle(&mut self) {
        let mut turns = 0..TURNS;
        while self.deliver_to_server() || self.deliver_to_client() {
            assert!(turns.next().is_some(), "they do not come to rest");
        }
    }

    pub(crate) fn deliver_to_server(&mut self) -> bool {
        let Some(batch) = self.to_server.pop_front() else {
            return self.drive_server();
        };
        match self.kinds[self.kind] {
            TransportKind::Stream => self.tell_server(&server::Input::Received(&batch)),
            TransportKind::Polls => self.tell_server(&server::Input::Polled(batch)),
        }
        true
    }

    pub(crate) fn deliver_to_client(&mut self) -> bool {
        let (Some(attempt), Some(batch)) = (self.attempt, self.to_client.pop_front()) else {
            return false;
        };
        self.tell(client::Input::Received(attempt, &batch));
        true
    }

    /// The wire is cut: what is on its way is lost. The client notices; the server does if it is told to.
    pub(crate) fn cut(&mut self, server_notices: bool) {
        self.to_client.clear();
        self.to_server.clear();
        self.answer.clear();
        if server_notices {
            self.forget();
        }
        if let Some(attempt) = self.attempt {
            self.tell(client::Input::Lost(attempt, None));
        }
    }

    /// The log is lost, and with it go the sessions and the connection.
    pub(crate) fn lose_log(&mut self) {
        self.epochs += 1;
        self.log = Log::new(RoomNumber(1), Epoch(self.epochs), self.retention);
        self.sessions = Sessions::new(SESSION_TTL, 1024, 10);
        self.connections.clear();
        self.cut(false);
    }

    /// Waits until the client is connected again.
    pub(crate) fn reconnect(&mut self) {
        self.pass(Duration::from_secs(20));
        self.settle();
        assert_eq!(self.client.state(), client::ClientState::Open);
    }

    /// The texts of messages, and gaps as `from..resume`, that the user was told of.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        let events = self.events.drain(..);
        let heard = events.filter_map(|event| match event {
            Event::Message {
                payload: OwnedPayload::Text(text),
                ..
            } => Some(text.into()),
            Event::Gap(_, gap) => Some(format!("{:?} {}..{}", gap.cause, gap.from.0, gap.resume.offset.0)),
            _ => None,
        });
        heard.collect()
    }

    pub(crate) fn tell_server(&mut self, input: &server::Input<'_>) {
        let now = self.now;
        if let Some((_, connection)) = self.connections.last_mut() {
            connection.handle_input(now, input.clone());
        }
        self.drive_server();
    }

    pub(crate) fn drive_client(&mut self) {
        for _ in 0..TURNS {
            match self.client.poll_output() {
                client::Output::Connect(attempt, kind) => {
                    (self.attempt, self.kind) = (Some(attempt), kind);
                    let id = ConnectionId(attempt.0);
                    self.connections.push((id, Connection::new(self.now, self.settings)));
                    if self.kinds[kind] == TransportKind::Stream {
                        self.client.handle_input(self.now, client::Input::Opened(attempt));
                    }
                }
                client::Output::Send(_, batch) => self.to_server.push_back(batch),
                client::Output::Disconnect(_) => {
                    self.attempt = None;
                    self.to_client.clear();
                    self.abort();
                }
                client::Output::Event(event) => self.events.push(event),
                client::Output::Timeout(_) => return,
                output => panic!("{output:?}"),
            }
        }
        panic!("the client does not come to rest");
    }

    /// Does what the server's present connection wants; says whether there was something.
    pub(crate) fn drive_server(&mut self) -> bool {
        let mut worked = false;
        let mut turns = 0..TURNS;
        while let Some((id, connection)) = self.connections.last_mut() {
            assert!(turns.next().is_some(), "the server does not come to rest");
            let (id, now) = (*id, self.now);
            match connection.poll_output() {
                server::Output::Send(batch) => self.send(batch),
                server::Output::Do(action) => self.perform(id, action),
                server::Output::Told(_) => {}
                server::Output::Timeout(_) => {
                    let frames = connection.poll_room(&mut self.log, 1 << 20);
                    let ahead = match connection.poll_output() {
                        server::Output::Send(batch) => batch,
                        _ => Vec::new(),
                    };
                    let is_due = connection.is_answer_due();
                    let chunks = frames.chunks().map(|chunk| chunk.to_vec());
                    let batches: Vec<_> = [ahead].into_iter().chain(chunks).filter(|it| !it.is_empty()).collect();
                    if batches.is_empty() {
                        if is_due {
                            self.answer();
                        }
                        return worked || is_due;
                    }
                    batches.into_iter().for_each(|batch| self.send(batch));
                }
                output => panic!("{output:?} at {now:?}"),
            }
            worked = true;
        }
        worked
    }

    /// Sends to the client, in the end: a poll has one answer.
    fn send(&mut self, batch: Vec<u8>) {
        match self.connections.last() {
            Some((_, connection)) if connection.is_poll() => self.answer.extend(batch),
            _ => self.to_client.push_back(batch),
        }
    }

    /// The present poll is over.
    fn answer(&mut self) {
        self.to_client.push_back(std::mem::take(&mut self.answer));
        self.forget();
    }

    /// The client does not wait for the answer to a poll any more, which the server notices.
    fn abort(&mut self) {
        self.answer.clear();
        if self.kinds[self.kind] == TransportKind::Polls {
            self.forget();
        }
    }

    /// The server's present connection has ended. The session waits for the next.
    pub(crate) fn forget(&mut self) {
        if let Some((id, connection)) = self.connections.pop()
            && let Some(session) = connection.session()
        {
            self.sessions.detach(self.now, session, id);
        }
    }

    fn perform(&mut self, id: ConnectionId, action: Action) {
        let now = self.now;
        let session = self.connections.last().and_then(|(_, connection)| connection.session());
        match action {
            Action::Attach { asked, token } => {
                let token_life = match self.check_token(&token) {
                    Ok(life) => life,
                    Err(code) => return self.feed(&server::Input::Close(code)),
                };
                // The clients that go on with a session count their attempts from higher bits.
                let fresh = SessionId([(id.0 + (id.0 >> 16)) as u8; 16]);
                let member = MemberId::new("me").expect("a name");
                self.sessions.expire(now);
                let attached = match self.sessions.attach(id, asked, fresh, &member) {
                    Ok(attached) => attached,
                    Err(code) => return self.feed(&server::Input::Close(code)),
                };
                if let Some(displaced) = attached.displaced {
                    self.connections.retain(|(other, _)| *other != displaced);
                    self.closes.push(CloseCode::TAKEN_OVER);
                }
                self.feed(&server::Input::Attached(&attached, token_life));
            }
            Action::Authenticate { token } => match self.check_token(&token) {
                Ok(life) => self.feed(&server::Input::Authenticated(life)),
                Err(code) => self.feed(&server::Input::Close(code)),
            },
            Action::Subscribe { request, start, .. } => {
                let opened = (self.log.room(), self.log.cursor(start));
                self.feed(&server::Input::Subscribed(request, Ok(opened)));
            }
            Action::Publish { sequence, payload, .. } => {
                let session = session.expect("a session");
                let answer = match self.sessions.admit(session, id, sequence).expect("it is attached") {
                    Admission::New => match payload {
                        Ok(payload) => Ok(self.log.append(now, "me", payload.as_payload())),
                        Err(code) => Err(code),
                    },
                    Admission::Answered(answer) => answer,
                    admission => panic!("{admission:?}"),
                };
                self.sessions.settle(session, Term::default(), sequence, answer);
                self.feed(&server::Input::Answered(sequence, answer));
            }
            Action::Close(code) => {
                self.closes.push(code);
                if !self.answer.is_empty() {
                    self.to_client.push_back(std::mem::take(&mut self.answer));
                }
                self.connections.pop();
                if let Some(session) = session {
                    self.sessions.detach(now, session, id);
                }
            }
            _ => {}
        }
    }

    /// A token says what becomes of it: nothing and a name, it is good for ever; a number, for so many seconds.
    fn check_token(&mut self, token: &[u8]) -> Result<Duration, CloseCode> {
        let token = String::from_utf8(token.to_vec()).expect("text");
        self.tokens.push(token.clone());
        match token.as_str() {
            "expired" => Err(CloseCode::TOKEN_EXPIRED),
            "forged" => Err(CloseCode::UNAUTHORIZED),
            token => Ok(Duration::from_secs(token.parse().unwrap_or(0))),
        }
    }

    fn feed(&mut self, input: &server::Input<'_>) {
        let now = self.now;
        if let Some((_, connection)) = self.connections.last_mut() {
            connection.handle_input(now, input.clone());
        }
    }
}

/// Those of a client whose transports are of this kind.
pub(crate) fn settings(kind: TransportKind) -> client::Settings {
    client::Settings {
        transports: vec![kind],
        ..client::Settings::default()
    }
}

pub(crate) fn room() -> RoomName {
    RoomName::new("lobby").expect("a name")
}
