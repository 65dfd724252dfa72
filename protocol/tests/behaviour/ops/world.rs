//! One client, and all its transports; the server's side of them is in `server`.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tidewire_protocol::{
    BackoffSettings, CloseCode, Instant, Log, OwnedPayload, RoomName, Sequence, SessionId, Sessions,
    client::{self, Attempt, Client, ClientState, OutboxLimits, SubscriptionId, TransportKind},
    frame::{RefusalCode, Start},
    server::{self, Connection},
};

use super::{checks::Checks, coverage::Coverage};

pub(super) const ROOMS: [&str; 2] = ["lobby", "game"];
const TRANSPORTS: usize = 2;
/// What a machine may say at once beside what it was asked: more than any of its limits in here.
const SOME: usize = 64;
const SOME_BYTES: usize = 8 << 10;
/// How often a timer may fire at one moment.
const MAX_TURNS: usize = 10;

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) client: Client,
    /// The transport that the client has.
    pub(super) attempt: Option<Attempt>,
    pub(super) subscriptions: Vec<SubscriptionId>,
    pub(super) links: Vec<Link>,
    pub(super) settings: server::Settings,
    pub(super) logs: Vec<Log>,
    pub(super) epochs: u64,
    pub(super) sessions: Sessions,
    pub(super) last_session: u128,
    /// What the engine has not answered.
    pub(super) pending: VecDeque<Append>,
    pub(super) token_ttl: Duration,
    /// The server refuses what it may refuse.
    pub(super) bad_luck: bool,
    pub(super) checks: Checks,
    last_said: u64,
}

/// One transport, as long as either side has it.
pub(super) struct Link {
    pub(super) attempt: Attempt,
    pub(super) connection: Option<Connection>,
    pub(super) session: Option<SessionId>,
    pub(super) to_server: VecDeque<Vec<u8>>,
    pub(super) to_client: VecDeque<Vec<u8>>,
    /// The server closed it; the client hears of it after the rest.
    pub(super) closed: Option<CloseCode>,
}

/// A publish that is not answered. One that is refused waits like the others: answers keep the order.
pub(super) struct Append {
    pub(super) session: SessionId,
    pub(super) sequence: Sequence,
    pub(super) publish: Result<(usize, OwnedPayload), RefusalCode>,
}

pub(super) fn room(which: usize) -> RoomName {
    RoomName::new(ROOMS[which % ROOMS.len()]).expect("a name")
}

impl World {
    /// A client with small limits, so that they are met; the choices vary them.
    pub(super) fn new(client: u8, server: u8) -> Self {
        let now = Instant::new(Duration::from_secs(1000));
        let settings = client::Settings {
            transports: vec![TransportKind::Stream; TRANSPORTS],
            failures_before_next: 2,
            outbox: OutboxLimits {
                max_publishes: 1 + usize::from(client % 8),
                max_bytes: 600,
            },
            token_timeout: client.is_multiple_of(3).then_some(Duration::from_secs(1)),
            backoff: BackoffSettings {
                base: Duration::from_millis(100),
                cap: Duration::from_secs(2),
                ..BackoffSettings::default()
            },
            ..client::Settings::default()
        };
        let mut world = Self {
            now,
            client: Client::new(now, settings, client.into()),
            attempt: None,
            subscriptions: Vec::new(),
            links: Vec::new(),
            settings: server_settings(server),
            logs: Vec::new(),
            epochs: 0,
            sessions: Sessions::new(Duration::ZERO, 0, 0),
            last_session: 0,
            pending: VecDeque::new(),
            token_ttl: Duration::ZERO,
            bad_luck: false,
            checks: Checks::default(),
            last_said: 0,
        };
        world.checks.is_honest = true;
        world.begin_logs();
        if client < 192 {
            world.tell_client(client::Input::Connect);
        }
        world
    }

    pub(super) fn subscribe(&mut self, which: usize, start: Start, presence: bool) {
        let room = room(which);
        if let Some(id) = self.client.subscribe(self.now, room.clone(), start, presence) {
            self.checks.on_subscribe(id, room.as_str());
            self.subscriptions.push(id);
        }
        self.drive_client(0);
    }

    pub(super) fn unsubscribe(&mut self, which: usize) {
        if !self.subscriptions.is_empty() {
            let id = self.subscriptions.remove(which % self.subscriptions.len());
            self.client.unsubscribe(self.now, id);
            self.drive_client(0);
            self.checks.on_unsubscribe(id);
        }
    }

    pub(super) fn pause(&mut self, which: usize) {
        if let Some(&id) = self.subscriptions.get(which % ROOMS.len()) {
            self.client.pause(self.now, id);
            self.drive_client(0);
            self.checks.on_pause(id, true);
        }
    }

    pub(super) fn resume(&mut self, which: usize) {
        if let Some(&id) = self.subscriptions.get(which % ROOMS.len()) {
            self.checks.on_pause(id, false);
            self.client.resume(self.now, id);
            self.drive_client(0);
        }
    }

    /// Publishes a number that was not said before, with zeros before it.
    pub(super) fn publish(&mut self, which: usize, length: usize, ttl: Option<Duration>) {
        let (said, payload) = self.fresh_payload(length);
        if let Ok(id) = self.client.publish(self.now, room(which), payload, ttl) {
            self.checks.on_publish(id, said);
        }
        self.drive_client(0);
    }

    pub(super) fn fresh_payload(&mut self, length: usize) -> (u64, OwnedPayload) {
        self.last_said += 1;
        let said = self.last_said;
        (said, OwnedPayload::Text(format!("{said:0length$}").into()))
    }

    pub(super) fn tell_client(&mut self, input: client::Input<'_>) {
        self.client.handle_input(self.now, input);
        self.drive_client(0);
    }

    /// A batch comes by the client's transport.
    pub(super) fn hear(&mut self, batch: &[u8]) {
        if let Some(attempt) = self.attempt {
            self.client
                .handle_input(self.now, client::Input::Received(attempt, batch));
            self.drive_client(batch.len());
        }
    }

    /// Does what the client wants, after it has heard so many bytes.
    pub(super) fn drive_client(&mut self, heard: usize) {
        let mut outputs = 0;
        loop {
            outputs += 1;
            assert!(outputs <= SOME + heard, "the client does not come to rest");
            match self.client.poll_output() {
                client::Output::Connect(attempt, kind) => {
                    assert!(kind < TRANSPORTS);
                    self.attempt = Some(attempt);
                    self.links.push(Link::new(attempt));
                }
                client::Output::Send(attempt, batch) => {
                    assert_eq!(Some(attempt), self.attempt, "of old transports it is silent");
                    assert!(batch.len() <= SOME_BYTES + 2 * heard, "{} bytes", batch.len());
                    let link = self.links.last_mut().filter(|link| link.attempt == attempt);
                    link.expect("its transport").to_server.push_back(batch);
                }
                client::Output::Disconnect(attempt) => {
                    assert_eq!(Some(attempt), self.attempt, "it leaves what it has");
                    self.attempt = None;
                }
                client::Output::Event(event) => self.checks.on_event(&event),
                client::Output::Timeout(_) => break,
                output => panic!("an output without a driver: {output:?}"),
            }
        }
        let attempt = self.attempt;
        self.links
            .retain(|link| link.connection.is_some() || Some(link.attempt) == attempt);
    }

    /// The client's transport opens, if it has one that is not open.
    pub(super) fn open(&mut self) {
        let Some(attempt) = self.attempt else { return };
        let (now, settings) = (self.now, self.settings);
        let Some(link) = self.links.last_mut().filter(|link| link.attempt == attempt) else {
            return;
        };
        if link.connection.is_none() && link.closed.is_none() && link.session.is_none() {
            link.connection = Some(Connection::new(now, settings));
        }
        self.tell_client(client::Input::Opened(attempt));
    }

    /// The client hears that its transport has ended.
    pub(super) fn lose_client_side(&mut self, code: Option<CloseCode>) {
        if let Some(attempt) = self.attempt.take() {
            self.tell_client(client::Input::Lost(attempt, code));
        }
    }

    /// The next batch of a transport arrives at the client, or the news of its end.
    pub(super) fn carry_to_client(&mut self, which: usize) {
        let index = which % self.links.len().max(1);
        let Some(link) = self.links.get_mut(index) else { return };
        let attempt = link.attempt;
        if let Some(batch) = link.to_client.pop_front() {
            self.client
                .handle_input(self.now, client::Input::Received(attempt, &batch));
            self.drive_client(batch.len());
        } else if let Some(code) = link.closed
            && self.attempt == Some(attempt)
        {
            self.lose_client_side(Some(code));
        }
    }

    /// What is on its way on a transport, to the client or to the server.
    pub(super) fn queue(&mut self, which: usize, to_client: bool) -> Option<&mut VecDeque<Vec<u8>>> {
        let index = which % self.links.len().max(1);
        let link = self.links.get_mut(index)?;
        Some(match to_client {
            true => &mut link.to_client,
            false => &mut link.to_server,
        })
    }

    /// Time passes, and timers fire when they are due.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        while let Some(next) = self.next_timer().filter(|at| *at <= end) {
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(turns <= MAX_TURNS, "a timer fires again and again");
            self.now = self.now.max(next);
            self.tell_client(client::Input::Timeout);
            (0..self.links.len()).for_each(|index| self.tell_server(index, &server::Input::Timeout));
        }
        self.now = end;
    }

    fn next_timer(&mut self) -> Option<Instant> {
        let client::Output::Timeout(client) = self.client.poll_output() else {
            panic!("something was left over");
        };
        let servers = self.links.iter_mut().filter_map(|link| link.connection.as_mut());
        let servers = servers.filter_map(|connection| match connection.poll_output() {
            server::Output::Timeout(at) => at,
            output => panic!("left over: {output:?}"),
        });
        client.into_iter().chain(servers).min()
    }

    /// The network is good from now on: what must come of it comes.
    pub(super) fn finish(mut self) -> Coverage {
        self.bad_luck = false;
        self.token_ttl = Duration::ZERO;
        (0..ROOMS.len()).for_each(|which| self.resume(which));
        self.tell_client(client::Input::Online);
        // Sessions whose transports fell silent count against the server's limit until both times have passed.
        let terms = self.settings.terms;
        let patience = terms.silence_timeout + terms.session_ttl + Duration::from_secs(80);
        for _ in 0..patience.as_secs() {
            if let ClientState::Unauthorized(_) = self.client.state() {
                self.tell_client(client::Input::Token(Some(Box::default())));
            }
            self.open();
            self.carry_all();
            self.pass(Duration::from_secs(1));
        }
        match self.client.state() {
            ClientState::Closed(_) => self.checks.check_all_answered(),
            ClientState::Idle => {}
            state if self.checks.is_honest => {
                assert_eq!(state, ClientState::Open);
                self.checks.check_all_answered();
                self.checks.check_converged(&self.heads()).expect("all there is");
            }
            _ => {}
        }
        self.checks.model.coverage
    }

    /// Carries batches, and answers publishes, until there are no more.
    pub(super) fn carry_all(&mut self) {
        for _ in 0..1000 {
            while !self.pending.is_empty() {
                self.answer(true);
            }
            for index in 0..self.links.len() {
                self.pump(index, 1 << 16);
                self.carry_to_server(index);
                self.carry_to_client(index);
            }
            self.drive_client(0);
            let is_idle = |link: &Link| link.to_server.is_empty() && link.to_client.is_empty() && link.closed.is_none();
            if self.links.iter().all(is_idle) && self.pending.is_empty() {
                return;
            }
        }
        assert!(!self.checks.is_honest, "they do not come to rest");
    }

    fn heads(&self) -> BTreeMap<String, tidewire_protocol::Position> {
        let heads = ROOMS.iter().zip(&self.logs);
        heads.map(|(room, log)| ((*room).to_owned(), log.head())).collect()
    }
}

impl Link {
    const fn new(attempt: Attempt) -> Self {
        Self {
            attempt,
            connection: None,
            session: None,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            closed: None,
        }
    }
}

fn server_settings(choice: u8) -> server::Settings {
    let mut settings = server::Settings::default();
    settings.terms.max_payload_bytes = 200;
    settings.terms.max_subscriptions = 1 + u32::from(choice % 2);
    settings.terms.max_unanswered = [1, 2, 8][usize::from(choice / 2 % 3)];
    settings.terms.session_ttl = Duration::from_secs([0, 3, 60][usize::from(choice / 8 % 3)]);
    settings
}
