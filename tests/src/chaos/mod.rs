//! Clients that talk in rooms over connections that keep breaking, and what must come of it all the same.

mod member;
mod model;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tidewire_server::Settings;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use self::{member::Member, model::Model};
use crate::{Counters, Node, Plan, Proxy};

/// What is to be survived.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// What the faults of the connections follow from.
    pub seed: u64,
    /// How many clients there are. Each is in two rooms.
    pub clients: usize,
    /// How many rooms there are, at least two.
    pub rooms: usize,
    /// At least so many messages are published, in all.
    pub messages: u64,
    /// At least so many connections are ended by a fault.
    pub cuts: u64,
    /// How long it may take.
    pub limit: Duration,
}

/// What was survived.
#[derive(Clone, Copy, Debug)]
pub struct Survived {
    /// Messages that were published,
    pub published: u64,
    /// of which these are in a log, and their publishers know,
    pub confirmed: u64,
    /// and these may be, as far as their publishers were told.
    pub unconfirmed: u64,
    /// Messages that subscribers got.
    pub deliveries: u64,
    /// Gaps that subscribers were told, each because the server lost its log.
    pub gaps: u64,
    /// What the proxy did.
    pub faults: Counters,
    /// How long it took.
    pub elapsed: Duration,
}

/// What all members share.
struct World {
    model: Model,
    published: AtomicU64,
    confirmed: AtomicU64,
    unconfirmed: AtomicU64,
    deliveries: AtomicU64,
    gaps: AtomicU64,
    /// Whether enough was said.
    is_enough: watch::Sender<bool>,
}

impl Chaos {
    /// Runs it. The server is replaced by an empty one halfway; `progress` is told where
    /// it is, twice a second.
    ///
    /// # Errors
    ///
    /// Which promise was broken.
    pub async fn run(&self, progress: impl FnMut(&Survived)) -> Result<Survived, String> {
        let begun = Instant::now();
        let world = Arc::new(World::new());
        let first = Node::start(configure);
        let proxy = Proxy::start(first.server().address()).await;
        proxy.follow(Some(self.plan()));
        let mut members = JoinSet::new();
        for number in 0..self.clients {
            let member = Member::connect(number, self, &proxy, Arc::clone(&world))?;
            members.spawn(member.talk());
        }
        let run = self.watch(&world, &proxy, first, &mut members, begun, progress);
        let outcome = timeout(self.limit, run).await;
        let survived = world.survived(&proxy, begun);
        outcome.map_err(|_| format!("not done after {:?}: {survived}; {}", self.limit, world.model.behind()))??;
        world.model.check()?;
        if survived.confirmed + survived.unconfirmed != survived.published {
            return Err(format!("publishes were not answered: {survived}"));
        }
        Ok(survived)
    }

    async fn watch(
        &self,
        world: &Arc<World>,
        proxy: &Proxy,
        first: Node,
        members: &mut JoinSet<Result<Member, String>>,
        begun: Instant,
        mut progress: impl FnMut(&Survived),
    ) -> Result<(), String> {
        let (mut node, mut is_first) = (first, true);
        let mut ticks = interval(Duration::from_millis(20));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = Vec::new();
        let mut shown_at = begun;
        while silent.len() < self.clients {
            tokio::select! {
                Some(ended) = members.join_next() => {
                    silent.push(ended.map_err(|error| format!("a client panicked: {error}"))??);
                    continue;
                }
                _ = ticks.tick() => {}
            }
            let survived = world.survived(proxy, begun);
            if shown_at.elapsed() > Duration::from_millis(500) {
                shown_at = Instant::now();
                progress(&survived);
            }
            let ended = survived.faults.ended();
            if is_first && survived.published >= self.messages / 2 && ended >= self.cuts / 2 {
                is_first = false;
                world.model.on_log_lost();
                let second = Node::start(configure);
                proxy.set_server(second.server().address());
                node = second;
            }
            if survived.published >= self.messages && ended >= self.cuts {
                world.is_enough.send_replace(true);
            }
        }
        converge(proxy, silent).await?;
        drop(node);
        Ok(())
    }

    /// Some connections end within the handshake, some after a thousand messages.
    fn plan(&self) -> Plan {
        Plan {
            longest_bytes: 48 << 10,
            // A client notices after one and a half ping intervals and two seconds; the server a little later.
            half_open: Duration::from_secs(4),
            ..Plan::new(self.seed)
        }
    }
}

/// The network is good from now on, and everybody gets everything.
async fn converge(proxy: &Proxy, silent: Vec<Member>) -> Result<(), String> {
    proxy.follow(None);
    proxy.cut_all();
    for member in &silent {
        member.say_end().await?;
    }
    for member in silent {
        member.listened().await?;
    }
    Ok(())
}

/// It forgets nothing as long as it lives, and notices soon that a connection is half-open.
fn configure(settings: &mut Settings) {
    settings.ping_interval = Duration::from_millis(500);
    settings.silence_timeout = Duration::from_secs(4);
    settings.retention.max_messages = usize::MAX;
    settings.retention.max_bytes = usize::MAX;
    settings.retention.max_age = Duration::from_secs(3600);
    settings.max_log_bytes = usize::MAX;
}

impl World {
    fn new() -> Self {
        Self {
            model: Model::default(),
            published: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            unconfirmed: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            is_enough: watch::Sender::new(false),
        }
    }

    fn survived(&self, proxy: &Proxy, begun: Instant) -> Survived {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Survived {
            confirmed: count(&self.confirmed),
            unconfirmed: count(&self.unconfirmed),
            published: count(&self.published),
            deliveries: count(&self.deliveries),
            gaps: count(&self.gaps),
            faults: proxy.counters(),
            elapsed: begun.elapsed(),
        }
    }
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters {
            connections,
            refused,
            cut,
            reset,
            half_open,
            stalled,
            slowed,
            ..
        } = self.faults;
        write!(
            f,
            "{} messages ({} confirmed, {} unconfirmed), {} deliveries, {} gaps; {connections} connections, {cut} cut, of \
             these {half_open} after being half-open, {reset} reset, {refused} refused, {stalled} stalled, {slowed} slow; \
             {:.1} s",
            self.published,
            self.confirmed,
            self.unconfirmed,
            self.deliveries,
            self.gaps,
            self.elapsed.as_secs_f64()
        )
    }
}
