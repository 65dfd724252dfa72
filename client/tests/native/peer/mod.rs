//! A server for the native client's tests, in the same process: the protocol's machines over real sockets, with faults on
//! request. It keeps everything in memory and under one lock.

mod connection;
mod world;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tidewire_protocol::{CloseCode, Retention, frame::Terms};
use tokio::{net::TcpListener, task::JoinHandle};

use self::connection::Control;
pub(crate) use self::world::World;

/// A running server. It ends with its value.
pub(crate) struct Peer {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    accepting: JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        Self::start_with(Terms::default(), Retention::default()).await
    }

    pub(crate) async fn start_with(terms: Terms, retention: Retention) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(Mutex::new(World::new(terms, retention)));
        let accepting = tokio::spawn(accept(listener, world.clone()));
        Self {
            address,
            world,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Ends all connections as a cut cable would, without a word.
    pub(crate) fn cut(&self) {
        self.world().tell_all(&Control::Cut);
    }

    /// Closes all connections with a code.
    pub(crate) fn close(&self, code: CloseCode) {
        self.world().tell_all(&Control::Close(code));
    }

    /// Loses all logs, and with them the sessions.
    pub(crate) fn lose_logs(&self) {
        self.world().lose_logs();
        self.cut();
    }

    /// Forgets the sessions, as if they had expired.
    pub(crate) fn forget_sessions(&self) {
        self.world().forget_sessions();
        self.cut();
    }

    /// Whether publishes are accepted, or kept without an answer.
    pub(crate) fn answer(&self, answers: bool) {
        self.world().answers = answers;
    }

    /// Whether connections are welcomed, or ended at once.
    pub(crate) fn welcome(&self, welcomes: bool) {
        self.world().welcomes = welcomes;
    }

    /// Refuses what is published and subscribed to from now on.
    pub(crate) fn refuse(&self, code: Option<tidewire_protocol::frame::RefusalCode>) {
        self.world().refuses = code;
    }

    /// Somebody else says something.
    pub(crate) fn say(&self, room: &str, text: &str) {
        self.world().say(room, text);
    }

    /// Resolves when this holds.
    pub(crate) async fn wait_for(&self, condition: impl Fn(&World) -> bool) {
        let mut changes = self.world().changes.subscribe();
        super::within(changes.wait_for(|()| condition(&self.world())))
            .await
            .expect("the server runs");
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, world: Arc<Mutex<World>>) {
    while let Ok((stream, _)) = listener.accept().await {
        if world.lock().expect("no panic").welcomes {
            tokio::spawn(connection::run(stream, world.clone()));
        }
    }
}
