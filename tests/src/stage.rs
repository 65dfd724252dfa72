//! The stage of the list of behaviours in this process: servers that share their logs, behind a gateway.

use std::{ops::Range, sync::Arc, time::Duration};

use tidewire_behaviours::{Rules, Setting, Stage, Traffic};
use tidewire_client::{ClientOptions, MemberId, TransportKind};
use tidewire_protocol::frame::Outcome;
use tidewire_server::{Origins, Settings, Tidewire};
use tokio::time::{sleep, timeout};

use crate::{Gateway, Server, SlowEngine, Wire, within};

/// A stage whose clients have these transports.
#[derive(Debug)]
pub struct NativeStage {
    transports: Vec<TransportKind>,
    scene: Option<Scene>,
}

/// What has begun.
#[derive(Debug)]
struct Scene {
    setting: Setting,
    engine: SlowEngine,
    servers: Vec<Server>,
    gateway: Gateway,
}

impl NativeStage {
    /// One on which nothing has begun.
    #[must_use]
    pub fn over(transports: &[TransportKind]) -> Self {
        Self {
            transports: transports.to_vec(),
            scene: None,
        }
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

    /// The servers.
    ///
    /// # Panics
    ///
    /// When nothing has begun.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.scene().servers
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
        let servers: Vec<_> = (0..setting.servers).map(|_| serve(&setting, &engine)).collect();
        let gateway = Gateway::start(servers.iter().map(Server::address).collect(), setting.rules).await;
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
        let room = self.servers()[0].tidewire().room(room).expect("a name");
        for number in numbers {
            room.publish(number.to_string()).await.expect("accepted");
        }
    }

    async fn take_over(&mut self, member: &MemberId, room: &str) {
        let Scene { engine, servers, .. } = self.scene();
        let session = engine.session_of(member).expect("it has published");
        let (mut wire, welcomed) = Wire::resume(servers[0].address(), session, LATER, 0).await;
        assert_eq!(welcomed.outcome, Outcome::Resumed);
        let next = welcomed.settled.0 + 1;
        wire.publish(next, room, "taken over").await;
        wire.published(next).await;
    }

    async fn drain(&mut self) {
        let scene = self.scene.as_mut().expect("it has begun");
        let next = serve(&scene.setting, &scene.engine);
        scene.gateway.set_servers(vec![next.address()]);
        let mut arrived = next.tidewire().connections();
        for server in std::mem::replace(&mut scene.servers, vec![next]) {
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

fn serve(setting: &Setting, engine: &SlowEngine) -> Server {
    let mut settings = Settings::default();
    // The pages of tests are served by whoever runs them.
    settings.origins = Origins::all();
    settings.retention.max_messages = setting.room_messages;
    settings.retention.max_bytes = 64 << 20;
    settings.max_payload_bytes = setting.max_payload_bytes;
    settings.max_subscriptions = setting.max_subscriptions;
    let builder = Tidewire::builder().settings(settings);
    Server::serve(builder.engine(Arc::new(engine.clone())).build())
}

/// An attempt after all that a client makes.
const LATER: u64 = 1 << 32;
const LOOK_EVERY: Duration = Duration::from_millis(5);
