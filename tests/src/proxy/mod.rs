//! A TCP proxy that breaks connections: by hand, or as it follows from a seed.

mod fault;
mod link;
mod plan;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidewire_chaos::Counters;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub use self::{
    fault::Fault,
    plan::{Direction, Plan, Script},
};
use self::{fault::Mode, link::Link, plan::Schedule};
use crate::within;

/// A proxy in front of a server. It ends with its value, and its connections with it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// How many connections are open.
    open: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    /// What befalls every connection, until it is set to something else.
    fault: Fault,
    plan: Option<Plan>,
    /// For the next connections, one each.
    scripts: VecDeque<Script>,
    counters: Counters,
    links: HashMap<u64, watch::Sender<Mode>>,
}

impl Proxy {
    /// Passes everything on to `server` until told otherwise.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                server,
                fault: Fault::None,
                plan: None,
                scripts: VecDeque::new(),
                counters: Counters::default(),
                links: HashMap::new(),
            }),
            open: watch::Sender::new(0),
        });
        Self {
            address,
            accepting: tokio::spawn(accept(listener, Arc::clone(&shared))),
            shared,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections go to another server.
    pub fn set_server(&self, server: SocketAddr) {
        self.shared.lock().server = server;
    }

    /// From now on each new connection has the fault that follows from the plan and from its number.
    pub fn follow(&self, plan: Option<Plan>) {
        self.shared.lock().plan = plan;
    }

    /// From now on this befalls all connections, those that are open and those that come.
    ///
    /// What was swallowed cannot be passed on later, so a half-open connection is cut when another fault, or none, is set.
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.lock();
        state.fault = fault;
        for link in state.links.values() {
            fault::change(link, Mode::of(fault));
        }
    }

    /// This befalls all connections that are open now, and none of those that come. Returns how many it concerns.
    pub fn break_all(&self, fault: Fault) -> usize {
        let state = self.shared.lock();
        let links = state.links.values();
        links.filter(|link| fault::change(link, Mode::of(fault))).count()
    }

    /// Cuts all open connections, and returns how many there were.
    pub fn cut_all(&self) -> usize {
        self.break_all(Fault::Cut)
    }

    /// This befalls the next connection that is made, whatever the plan says. Several queue up, one a connection.
    pub fn script_next(&self, script: Script) {
        self.shared.lock().scripts.push_back(script);
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters
    }

    /// Resolves when it has exactly so many open connections.
    ///
    /// # Panics
    ///
    /// When it takes too long.
    pub async fn wait_for_open(&self, count: usize) {
        let mut open = self.shared.open.subscribe();
        let waited = within(open.wait_for(|open| *open == count)).await.is_ok();
        assert!(waited, "the proxy runs");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.break_all(Fault::Reset);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }
}

impl State {
    /// The link of a new connection, or `None` if it is to be refused.
    fn admit(&mut self, shared: &Arc<Shared>) -> Option<Link> {
        let number = self.counters.connections;
        self.counters.connections += 1;
        let mode = Mode::of(self.fault);
        let schedule = match (self.scripts.pop_front(), self.plan) {
            (None, Some(plan)) => Schedule::planned(plan, number),
            (script, _) => Schedule::scripted(script),
        };
        if mode == Mode::Refuse || schedule.is_refused() {
            self.counters.refused += 1;
            return None;
        }
        let sender = watch::Sender::new(mode);
        self.links.insert(number, sender.clone());
        Some(Link::new(number, sender, schedule, Arc::clone(shared)))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // Out of file descriptors, for instance: there is no connection to be broken.
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let (server, link) = {
            let mut state = shared.lock();
            (state.server, state.admit(&shared))
        };
        let Some(link) = link else {
            link::reset(client);
            continue;
        };
        tokio::spawn(async move {
            match TcpStream::connect(server).await {
                Ok(server) => link.run(client, server).await,
                Err(_) => link::reset(client),
            }
        });
    }
}
