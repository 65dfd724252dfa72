//! A server's shared state, and the life of its connections as a whole.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use hyper::upgrade::OnUpgrade;
use tidewire_protocol::{Epoch, Offset, Position, Retention, RoomNumber};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::debug;
use warp::reply::Response;

use crate::{
    access::Access,
    api::ApiKeys,
    budget::Budget,
    builder::Builder,
    connection::{Bounds, Connection, Endpoint},
    connections::{Connections, Counted},
    drain::Drain,
    engine::Engine,
    hub::Hub,
    io::Io,
    limits::{Admitted, Entering},
    metrics::Traffic,
    peer::Peer,
    room::Room,
    settings::Settings,
    upgrade::{Refusal, Upgrade},
    websocket::WebSocket,
};

/// A Tidewire server: what its filters share. Cloning it is cheap, and all clones are the same server.
#[derive(Clone)]
pub struct Tidewire {
    shared: Arc<Shared>,
}

struct Shared {
    hub: Arc<Hub>,
    lobby: Arc<Room>,
    connections: Arc<watch::Sender<Connections>>,
    tasks: TaskTracker,
    drain: Arc<Drain>,
}

impl Tidewire {
    /// A server without connections, which keeps messages in memory.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::builder().settings(settings).build()
    }

    /// A server to be made with an engine, or with rules who may do what.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn with(
        settings: Settings,
        engine: Arc<dyn Engine>,
        access: Arc<dyn Access>,
        api_keys: ApiKeys,
    ) -> Self {
        let shared = Shared {
            lobby: lobby(&settings),
            connections: Arc::default(),
            tasks: TaskTracker::new(),
            drain: Arc::default(),
            hub: Arc::new(Hub::new(settings, engine, access, api_keys)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The limits and intervals it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.hub.settings
    }

    /// How many WebSockets and polls there are, now and at each change.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<Connections> {
        self.shared.connections.subscribe()
    }

    /// Tells every client of the room protocol that the server will close soon, and that it is to come back after a random
    /// time between the two: to another server, where the address leads to one by then.
    pub fn go_away(&self, min: Duration, max: Duration) {
        self.shared.hub.sessions.go_away(min, max);
    }

    pub(crate) fn drain_state(&self) -> &Arc<Drain> {
        &self.shared.drain
    }

    /// What goes on for its connections.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.shared.tasks
    }

    pub(crate) fn lobby(&self) -> &Arc<Room> {
        &self.shared.lobby
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.shared.hub
    }

    /// Answers the handshake, and starts the connection's task.
    pub(crate) fn open<E: Endpoint>(
        &self,
        upgrade: Upgrade,
        peer: Peer,
        join: impl FnOnce(&Self, Peer) -> E + Send + 'static,
    ) -> Result<Response, Refusal> {
        if let Some(seconds) = self.phase().retry_after() {
            return Err(Refusal::GoingAway(seconds));
        }
        let admitted = self.hub().gate.enter(Entering::WebSocket, peer.address);
        let admitted = admitted.map_err(Refusal::NotNow)?;
        self.hub().start_sweeping();
        let (response, on_upgrade) = upgrade.accept();
        // What a task is given takes room for as long as it runs: each connection has one.
        let running = self.clone().run(on_upgrade, Box::new((peer, admitted)), join);
        self.shared.tasks.spawn(running);
        Ok(response)
    }

    /// Counts a connection until the value is dropped.
    pub(crate) fn count(&self) -> Counted {
        Counted::new(Arc::clone(&self.shared.connections))
    }

    /// Has the end of the server wait for what answers a request.
    pub(crate) fn track<F: Future>(&self, answering: F) -> impl Future<Output = F::Output> + use<F> {
        self.shared.tasks.track_future(answering)
    }

    async fn run<E: Endpoint>(
        self,
        on_upgrade: OnUpgrade,
        from: Box<(Peer, Admitted)>,
        join: impl FnOnce(&Self, Peer) -> E,
    ) {
        let io = match on_upgrade.await {
            Ok(upgraded) => Io::from(upgraded),
            Err(error) => return debug!(path = %E::PATH, %error, "upgrade failed"),
        };
        if let Err(error) = io.end_send_timeout() {
            return debug!(path = %E::PATH, %error, "connection lost before its upgrade");
        }
        let (peer, _admitted) = *from;
        // Not held in a variable before it is awaited: a task would have room for both.
        self.connection(io, peer, join).await;
    }

    fn connection<E: Endpoint>(&self, io: Io, peer: Peer, join: impl FnOnce(&Self, Peer) -> E) -> Connection<Io, E> {
        let settings = self.settings();
        let traffic = Traffic::begin(&self.hub().metrics, E::PATH, peer.address);
        let bounds = Bounds {
            stall: settings.stall_timeout,
            close: settings.close_timeout,
            message: settings.silence_timeout,
            partials: Arc::clone(self.hub().gate.partials()),
        };
        Connection::new(
            io,
            WebSocket::new(settings.max_message_bytes),
            join(self, peer),
            (self.count(), traffic),
            self.shared.drain.tell(),
            bounds,
        )
    }
}

/// The room of `/chat`. Its frames are not those of the room protocol, and it has no place among the rooms of that.
fn lobby(settings: &Settings) -> Arc<Room> {
    let retention = Retention {
        max_messages: usize::MAX,
        max_bytes: settings.backlog_bytes,
        max_age: Duration::MAX,
    };
    let position = Position {
        epoch: Epoch(0),
        offset: Offset(0),
    };
    let budget = Arc::new(Budget::new(usize::MAX));
    Room::new(RoomNumber(0), position, retention, budget, Weak::new())
}

impl fmt::Debug for Tidewire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tidewire")
            .field("settings", self.settings())
            .field("connections", &*self.shared.connections.borrow())
            .finish_non_exhaustive()
    }
}
