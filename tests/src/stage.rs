//! The stage of the list of behaviours in this process: servers that share their logs, behind a gateway.

use std::{any::Any, fmt, net::SocketAddr, ops::Range, pin::Pin, sync::Arc, time::Duration};

use tidewire_behaviours::{Rules, Setting, Stage, Traffic};
use tidewire_client::{ClientOptions, MemberId, TransportKind};
use tidewire_protocol::frame::Outcome;
use tidewire_server::{Origins, Settings, Tidewire};
use tokio::time::{sleep, timeout};

use crate::{Authority, Gateway, Server, SlowEngine, Wire, within};

/// A stage whose clients have these transports.
#[derive(Debug)]
pub struct NativeStage {
    transports: Vec<TransportKind>,
    serve: Serve,
    scene: Option<Scene>,
}

/// How a server is had: what the stage makes, and what it is to be.
pub type Serve = fn(Tidewire) -> Pin<Box<dyn Future<Output = Served> + Send>>;

/// A server of a stage, and where a gateway reaches it: perhaps by way of something that stands before it.
pub struct Served {
    /// The server.
    pub server: Server,
    /// Where it is reached.
    pub address: SocketAddr,
    /// What stands before it, for as long as it lives.
    pub before: Box<dyn Any + Send>,
}

/// What has begun.
#[derive(Debug)]
struct Scene {
    setting: Setting,
    engine: SlowEngine,
    servers: Vec<Served>,
    gateway: Gateway,
}

impl NativeStage {
    /// One on which nothing has begun.
    #[must_use]
    pub fn over(transports: &[TransportKind]) -> Self {
        Self {
            transports: transports.to_vec(),
            serve: |tidewire| Box::pin(async { Served::from(Server::serve(tidewire)) }),
            scene: None,
        }
    }

    /// The same with other servers.
    #[must_use]
    pub fn served(mut self, serve: Serve) -> Self {
        self.serve = serve;
        self
    }

    /// The same with servers that speak TLS with the gateway.
    #[must_use]
    pub fn with_tls(self) -> Self {
        self.served(|tidewire| Box::pin(Served::with_tls(tidewire)))
    }

    /// The gateway.
    ///
    /// # Panics
    ///
    /// When nothing has begun.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.scene().gateway
    }

    fn scene(&self) -> &Scene {
        self.scene.as_ref().expect("it has begun")
    }
}

impl Stage for NativeStage {
    fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::default();
        options.transports = self.transports.clone();
        options.backoff.base = Duration::from_millis(20);
        options.backoff.cap = Duration::from_millis(200);
        options.climb_after = Duration::from_millis(50);
        options
    }

    async fn start(&mut self, setting: Setting) -> String {
        let engine = match setting.servers {
            0 | 1 => SlowEngine::new(Duration::ZERO),
            _ => SlowEngine::sharing(Duration::ZERO),
        };
        let mut servers = Vec::new();
        for _ in 0..setting.servers {
            servers.push((self.serve)(tidewire(&setting, &engine)).await);
        }
        let gateway = Gateway::start(servers.iter().map(|it| it.address).collect(), setting.rules).await;
        let url = format!("ws://{}/ws", gateway.address());
        self.scene = Some(Scene {
            setting,
            engine,
            servers,
            gateway,
        });
        url
    }

    async fn cut(&mut self) {
        self.gateway().cut_all();
    }

    async fn set(&mut self, rules: Rules) {
        self.gateway().set(rules);
    }

    async fn say(&mut self, room: &str, numbers: Range<u64>) {
        let server = &self.scene().servers[0].server;
        let room = server.tidewire().room(room).expect("a name");
        for number in numbers {
            room.publish(number.to_string()).await.expect("accepted");
        }
    }

    async fn take_over(&mut self, member: &MemberId, room: &str) {
        let Scene { engine, servers, .. } = self.scene();
        let session = engine.session_of(member).expect("it has published");
        let (mut wire, welcomed) = Wire::resume(servers[0].address, session, LATER, 0).await;
        assert_eq!(welcomed.outcome, Outcome::Resumed);
        let next = welcomed.settled.0 + 1;
        wire.publish(next, room, "taken over").await;
        wire.published(next).await;
    }

    async fn drain(&mut self) {
        let scene = self.scene.as_mut().expect("it has begun");
        let next = (self.serve)(tidewire(&scene.setting, &scene.engine)).await;
        scene.gateway.set_servers(vec![next.address]);
        let mut arrived = next.server.tidewire().connections();
        for Served { server, .. } in std::mem::replace(&mut scene.servers, vec![next]) {
            server.tidewire().go_away(Duration::ZERO, Duration::from_millis(50));
            server.wait_for_open(0).await;
            server.tidewire().shutdown().await;
        }
        within(arrived.wait_for(|it| it.opened > 0)).await.expect("it serves");
    }

    async fn traffic(&mut self) -> Traffic {
        let mut traffic = self.gateway().traffic();
        let _ = timeout(LOOK_EVERY, traffic.changed()).await;
        *traffic.borrow()
    }

    fn after(&self, time: Duration) -> impl Future<Output = ()> {
        sleep(time)
    }
}

impl Served {
    async fn with_tls(tidewire: Tidewire) -> Self {
        let authority = Authority::new();
        let files = authority.issue();
        let server = Server::serve_tls(tidewire, files.open());
        let tunnel = authority.tunnel(server.address()).await;
        Self {
            server,
            address: tunnel.address(),
            before: Box::new(tunnel),
        }
    }
}

impl From<Server> for Served {
    fn from(server: Server) -> Self {
        Self {
            address: server.address(),
            server,
            before: Box::new(()),
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("server", &self.server)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn tidewire(setting: &Setting, engine: &SlowEngine) -> Tidewire {
    let mut settings = Settings::default();
    // The pages of tests are served by whoever runs them.
    settings.origins = Origins::all();
    settings.retention.max_messages = setting.room_messages;
    settings.retention.max_bytes = 64 << 20;
    settings.max_payload_bytes = setting.max_payload_bytes;
    settings.max_subscriptions = setting.max_subscriptions;
    let builder = Tidewire::builder().settings(settings);
    builder.engine(Arc::new(engine.clone())).build()
}

/// An attempt after all that a client makes.
const LATER: u64 = 1 << 32;
const LOOK_EVERY: Duration = Duration::from_millis(5);
