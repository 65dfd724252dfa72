//! A proxy at the level of HTTP that does to requests and WebSockets what proxies do that people have.

mod conduct;
mod forward;
mod tunnel;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tidewire_behaviours::{Rules, Traffic};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use self::conduct::Conduct;

/// A gateway to one or more servers. It ends with its value, and its connections with it.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Each change of it cuts all connections that are open.
    cuts: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

/// What its connections share.
#[derive(Debug)]
struct Shared {
    servers: Mutex<Vec<SocketAddr>>,
    /// How many requests were passed on: which server is next follows from it.
    requests: AtomicUsize,
    /// How many polls there were while some are spoiled: which one is follows from it.
    polls: AtomicU64,
    rules: watch::Sender<Rules>,
    traffic: watch::Sender<Traffic>,
}

impl Gateway {
    /// Passes requests on to these servers, each to the next in turn.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(servers: Vec<SocketAddr>, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            servers: Mutex::new(servers),
            requests: AtomicUsize::new(0),
            polls: AtomicU64::new(0),
            rules: watch::Sender::new(rules),
            traffic: watch::Sender::default(),
        });
        let (cuts, cut) = watch::channel(0);
        Self {
            address,
            accepting: tokio::spawn(accept(listener, Arc::clone(&shared), cut)),
            shared,
            cuts,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that come from now on go to these servers.
    pub fn set_servers(&self, servers: Vec<SocketAddr>) {
        *self.shared.servers.lock().unwrap_or_else(PoisonError::into_inner) = servers;
    }

    /// It keeps to these rules from now on. What is open and would not be passed on by them ends.
    pub fn set(&self, rules: Rules) {
        self.shared.rules.send_replace(rules);
    }

    /// Cuts all connections that are open.
    pub fn cut_all(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// What has gone through it, now and at each change.
    #[must_use]
    pub fn traffic(&self) -> watch::Receiver<Traffic> {
        self.shared.traffic.subscribe()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut Traffic)) {
        self.traffic.send_modify(change);
    }

    fn rules(&self) -> Rules {
        *self.rules.borrow()
    }

    fn next_server(&self) -> SocketAddr {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers[request % servers.len()]
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut cut: watch::Receiver<u64>) {
    loop {
        // Out of file descriptors, for instance: there is no connection to be passed on.
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        // What was cut was there before.
        cut.mark_unchanged();
        let conduct = Conduct::new(Arc::clone(&shared), cut.clone());
        tokio::spawn(serve(client, conduct, cut.clone()));
    }
}

async fn serve(client: TcpStream, conduct: Conduct, mut cut: watch::Receiver<u64>) {
    let _ = client.set_nodelay(true);
    let service = service_fn(|request| conduct.clone().answer(request));
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(client), service)
        .with_upgrades();
    tokio::select! {
        _ = connection => {}
        // Also when the gateway has ended.
        _ = cut.changed() => {}
    }
}
