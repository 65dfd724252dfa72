//! Clients, nodes and rooms on a bad network, in virtual time: the machines of this crate, driven as a server and a client
//! would drive them, against a plain model of what must hold. All that happens follows from a seed.

#![allow(
    dead_code,
    unused_imports,
    reason = "the test traces a seed and the example does not"
)]

mod coverage;
mod driver;
mod engine;
mod faults;
mod link;
mod model;
mod nodes;
mod peers;
mod presence;
mod publishes;
mod random;
mod reload;
mod report;
mod sessions;
mod transports;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use tidewire_protocol::{
    Claimed, CloseCode, ConnectionId, Instant, Position, RoomName, SessionId, Term,
    client::{self, Attempt, Client, ClientState, TransportKind},
    server::Connection,
};

pub(crate) use self::{
    coverage::Coverage,
    report::{complaint, run_all},
};
use self::{
    engine::{Engine, Lease},
    link::{Link, LinkId},
    model::{Check, Model, ensure},
    presence::Seat,
    publishes::{Publish, Told},
    random::Random,
    reload::Left,
    sessions::{Asking, Lives, Node},
    transports::Kind,
};

/// For so long the network is bad.
const CHAOS: Duration = Duration::from_secs(60);
/// In so long after that, everything must have arrived.
const CALM: Duration = Duration::from_secs(180);
/// More happenings than any run needs: one that goes round in circles ends.
const MAX_HAPPENINGS: usize = 400_000;
/// More outputs than any machine has at once.
const MAX_OUTPUTS: usize = 10_000;

/// One run.
pub(crate) struct World {
    now: Instant,
    random: Random,
    agenda: BTreeMap<(Instant, u64), Happening>,
    scheduled: u64,
    engine: Engine,
    /// Counts the lives of the engine: what was asked of an earlier one comes to nothing.
    engine_life: u64,
    engine_latency: Duration,
    nodes: Vec<Node>,
    links: BTreeMap<LinkId, Link>,
    connections: BTreeMap<ConnectionId, Served>,
    peers: Vec<Peer>,
    rooms: Vec<RoomName>,
    model: Model,
    trace: Option<String>,
    next_id: u64,
    is_calm: bool,
}

/// A connection on a node.
struct Served {
    machine: Connection,
    link: LinkId,
    client: usize,
    node: usize,
    session: Option<SessionId>,
    lease: Option<Lease>,
    timer: Option<Instant>,
    rooms: BTreeMap<RoomName, Seat>,
    /// Its node closes it once there is nothing more to say.
    is_finishing: bool,
}

/// A client, and what its driver keeps.
struct Peer {
    machine: Client,
    settings: client::Settings,
    /// Its links that it has not left: a stream may be opened beside a poll.
    links: BTreeMap<Attempt, LinkId>,
    timer: Option<Instant>,
    /// Asleep: no timer fires, and what arrives waits.
    asleep_until: Instant,
    /// How long its tokens are good, zero for ever.
    token_ttl: Duration,
    subscriptions: BTreeMap<client::SubscriptionId, Subscribed>,
    /// What becomes of each kind of its transports, and the kind that it has tried last.
    kinds: Vec<Kind>,
    transports: Vec<TransportKind>,
    kind: usize,
    /// The only one that its user lets it have, if that is so.
    only: Option<usize>,
    /// When it last asked how long a round trip takes.
    pinged: Option<Instant>,
}

/// A subscription of a client's user.
struct Subscribed {
    room: RoomName,
    /// Since when it has wanted to be there without a break.
    since: Instant,
    is_paused: bool,
}

#[derive(Debug)]
enum Happening {
    ClientTimer(usize),
    ConnectionTimer(ConnectionId),
    Open(LinkId),
    ToServer(LinkId, Vec<u8>),
    ToClient(LinkId, Vec<u8>),
    ServerLost(LinkId),
    ClientLost(LinkId, Option<CloseCode>),
    Claim(Asking),
    Claimed(Asking, Claimed),
    Lost(Lives, SessionId, Term),
    EndSession(u64, SessionId, Term),
    Append(Lives, Publish),
    Answered(Lives, Publish, Told),
    /// What came of a client's asking for a token: one, or none.
    Token(usize, bool),
    Wake(usize),
    Online(usize),
    Shown(usize),
    Loaded(usize, Left),
    Resume(usize, client::SubscriptionId),
    Act(usize),
    Fault,
    Evict,
    NodeCloses(usize),
    EngineLost,
    LeaveOthers(ConnectionId),
    Dies(LinkId),
}

/// Runs one seed: what it covered, or which promise was broken and when.
pub(crate) fn run(seed: u64) -> Result<Coverage, String> {
    World::new(seed, false).run().map(|world| world.model.coverage)
}

/// The same, with all that happened as text.
pub(crate) fn trace(seed: u64) -> (String, Result<Coverage, String>) {
    let mut world = World::new(seed, true);
    let result = world.run_to_end();
    (world.trace.unwrap_or_default(), result.map(|()| world.model.coverage))
}

impl World {
    fn new(seed: u64, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let now = Instant::new(Duration::from_secs(1000));
        let engine = Engine::new(&mut random);
        let rooms = ["lobby", "game", "news"].map(|name| RoomName::new(name).expect("a name"));
        let rooms = rooms[..1 + random.below(3)].to_vec();
        let nodes = (0..1 + random.below(3)).map(|_| Node::new(now, engine.session_ttl));
        let nodes = nodes.collect();
        let peers = (0..2 + random.below(4)).map(|_| Peer::new(now, &mut random)).collect();
        Self {
            now,
            agenda: BTreeMap::new(),
            scheduled: 0,
            engine,
            engine_life: 0,
            engine_latency: [random.millis(0, 30), random.millis(100, 500)][random.below(2)],
            nodes,
            links: BTreeMap::new(),
            connections: BTreeMap::new(),
            peers,
            rooms,
            model: Model::default(),
            trace: traced.then(String::new),
            next_id: 0,
            is_calm: false,
            random,
        }
    }

    fn run(mut self) -> Result<Self, String> {
        self.run_to_end().map(|()| self)
    }

    fn run_to_end(&mut self) -> Check {
        let begin = self.now;
        self.begin();
        let result = self
            .run_until(begin + CHAOS)
            .and_then(|()| self.calm_down())
            .and_then(|()| self.run_until(begin + CHAOS + CALM))
            .and_then(|()| self.check_end());
        result.map_err(|broken| format!("{:.6} s: {broken}", self.now.since(begin).as_secs_f64()))
    }

    fn begin(&mut self) {
        for client in 0..self.peers.len() {
            let after = self.random.millis(0, 500);
            self.schedule(after, Happening::Act(client));
        }
        let after = self.random.millis(500, 2000);
        self.schedule(after, Happening::Fault);
        self.schedule(Duration::from_secs(1), Happening::Evict);
    }

    fn run_until(&mut self, end: Instant) -> Check {
        for _ in 0..MAX_HAPPENINGS {
            let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= end) else {
                self.now = end;
                return Ok(());
            };
            let ((at, _), happening) = entry.remove_entry();
            self.now = self.now.max(at);
            self.note(|| format!("{happening:?}"));
            self.happen(happening)?;
        }
        Err("it does not come to rest".into())
    }

    /// The network is good from now on, and nobody says anything more.
    fn calm_down(&mut self) -> Check {
        self.is_calm = true;
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            if let Some(link) = self.links.get_mut(&id) {
                link.window = 1 << 20;
            }
        }
        for client in 0..self.peers.len() {
            // Who has nobody to ask would wait for its user again and again.
            self.peers[client].token_ttl = Duration::ZERO;
            self.schedule(Duration::ZERO, Happening::Online(client));
            self.set_transports(client, None)?;
            for id in self.peers[client].paused() {
                self.schedule(Duration::ZERO, Happening::Resume(client, id));
            }
        }
        Ok(())
    }

    fn check_end(&mut self) -> Check {
        for (number, peer) in self.peers.iter().enumerate() {
            let state = peer.machine.state();
            ensure(matches!(state, ClientState::Open | ClientState::Closed(_)), || {
                format!("client {number} is {state:?} on a good network")
            })?;
            ensure(peer.machine.unanswered() == 0, || {
                format!("client {number} waits for answers")
            })?;
            if state == ClientState::Open {
                peer.check_kind(number)?;
            }
        }
        let open = self
            .peers
            .iter()
            .filter(|peer| peer.machine.state() == ClientState::Open);
        let (open, sessions) = (open.count(), self.engine.sessions());
        ensure(sessions == open, || format!("{sessions} sessions of {open} clients"))?;
        self.engine.check_bounds()?;
        self.check_presence()?;
        let heads: BTreeMap<String, Position> = self.engine.heads();
        self.model.check_converged(&heads)
    }

    fn schedule(&mut self, after: Duration, happening: Happening) {
        self.schedule_at(self.now + after, happening);
    }

    fn schedule_at(&mut self, at: Instant, happening: Happening) {
        self.scheduled += 1;
        self.agenda.insert((at.max(self.now), self.scheduled), happening);
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "{:?} {}", self.now, line());
        }
    }
}

impl Peer {
    fn new(now: Instant, random: &mut Random) -> Self {
        let (transports, kinds) = Kind::some(random);
        let settings = client::Settings {
            transports: transports.clone(),
            climb_after: Duration::from_secs(10),
            outbox: client::OutboxLimits {
                max_publishes: [4, 100][random.below(2)],
                max_bytes: 1 << 20,
            },
            token_timeout: [None, Some(Duration::from_secs(2))][random.below(2)],
            ..client::Settings::default()
        };
        Self {
            machine: Client::new(now, settings.clone(), random.next()),
            settings,
            links: BTreeMap::new(),
            timer: None,
            asleep_until: now,
            token_ttl: Duration::from_secs([0, 0, 10][random.below(3)]),
            subscriptions: BTreeMap::new(),
            kinds,
            transports,
            kind: 0,
            only: None,
            pinged: None,
        }
    }

    /// The rooms that it is in, and since when.
    fn rooms(&self) -> impl Iterator<Item = (&RoomName, Instant)> {
        let there = self.subscriptions.values().filter(|it| !it.is_paused);
        there.map(|it| (&it.room, it.since))
    }

    fn paused(&self) -> Vec<client::SubscriptionId> {
        let paused = self.subscriptions.iter().filter(|(_, it)| it.is_paused);
        paused.map(|(id, _)| *id).collect()
    }
}
