//! What the tests share: a server on port 0, WebSocket clients, and raw bytes on a socket.

/// The README's examples in Rust, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

mod bad_network;
mod engine;
mod folder;
mod frames;
mod gateway;
mod node;
pub mod polls;
mod process;
mod proxy;
mod raw;
#[cfg(target_os = "linux")]
pub mod soak;
mod stage;
mod talk;
mod tls;
pub mod tokens;
mod visitor;
mod wire;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tidewire_protocol::CloseCode;
use tidewire_server::{Settings, Tidewire, Tls, bind, serve, serve_tls};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, handshake::client::Response, protocol::WebSocketConfig},
};

pub use bad_network::BadNetwork;
pub use engine::{EngineFault, SlowEngine};
pub use folder::Folder;
pub use frames::{Frame, read_frame};
pub use gateway::Gateway;
pub use node::Node;
pub use polls::Poller;
pub use process::{Process, UNLIMITED};
pub use proxy::{Direction, Fault, Plan, Proxy, Script};
pub use raw::{Head, Raw, upgrade_request};
pub use stage::{NativeStage, Serve, Served};
pub use talk::{connect_over, message, publish_all};
pub use tls::{Authority, PairFiles, Tunnel};
pub use visitor::{Over, Visitor};
pub use wire::{Heard, More, Presence, Said, Welcomed, Wire};

/// How long a test waits for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for what must come.
///
/// # Panics
///
/// After [`DEADLINE`].
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("came within the deadline")
}

/// Asks again until it is so, of what nobody tells a test about.
///
/// # Panics
///
/// After [`DEADLINE`].
pub async fn until(ask: impl AsyncFn() -> bool) {
    within(async {
        while !ask().await {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A server of this process, on a free port of the loopback interface. It ends with its value.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tidewire: Tidewire,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves all that [`Tidewire::routes`] has.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    #[must_use]
    pub fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        Self::serve(Tidewire::new(settings))
    }

    /// Serves all that [`Tidewire::routes`] has.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    #[must_use]
    pub fn serve(tidewire: Tidewire) -> Self {
        Self::listen(tidewire, None)
    }

    /// The same over TLS.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    #[must_use]
    pub fn serve_tls(tidewire: Tidewire, tls: Tls) -> Self {
        Self::listen(tidewire, Some(tls))
    }

    fn listen(tidewire: Tidewire, tls: Option<Tls>) -> Self {
        let settings = tidewire.settings().clone();
        let listener = bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let routes = tidewire.routes();
        tokio::spawn(async move {
            let stop = async { drop(stopped.await) };
            match tls {
                None => serve(listener, routes, &settings, stop).await,
                Some(tls) => serve_tls(listener, tls, routes, &settings, stop).await,
            }
        });
        Self {
            address,
            tidewire,
            _stop: stop,
        }
    }

    /// With the default settings.
    #[must_use]
    pub fn start_default() -> Self {
        Self::start(|_| {})
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    #[must_use]
    pub fn tidewire(&self) -> &Tidewire {
        &self.tidewire
    }

    /// A WebSocket to one of its paths.
    pub async fn connect(&self, path: &str) -> Client {
        Client::connect(self.address, path).await
    }

    /// A TCP connection to it, on which nothing was said.
    pub async fn raw(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// Resolves when it has exactly this many WebSockets.
    ///
    /// # Panics
    ///
    /// After [`DEADLINE`].
    pub async fn wait_for_open(&self, count: usize) {
        let mut connections = self.tidewire.connections();
        within(connections.wait_for(|it| it.open == count))
            .await
            .expect("the server runs");
    }
}

/// A WebSocket client that answers pings and close frames as a browser does.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    response: Response,
}

impl Client {
    /// Connects to `ws://{address}{path}`.
    ///
    /// # Panics
    ///
    /// When there is no WebSocket, or none within [`DEADLINE`].
    pub async fn connect(address: SocketAddr, path: &str) -> Self {
        let stream = within(TcpStream::connect(address)).await.expect("a TCP connection");
        Self::over(stream, address, path).await
    }

    /// Connects with a small receive buffer, so that a client that does not read soon holds the server up.
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with_small_buffer(address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a buffer size");
        let stream = within(socket.connect(address)).await.expect("a TCP connection");
        Self::over(stream, address, path).await
    }

    /// Connects from an address of its own.
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_from(source: Ipv4Addr, address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("an address of this machine");
        let stream = within(socket.connect(address)).await.expect("a TCP connection");
        Self::over(stream, address, path).await
    }

    async fn over(stream: TcpStream, address: SocketAddr, path: &str) -> Self {
        let url = format!("ws://{address}{path}");
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connecting = client_async_with_config(url, stream, Some(config));
        let (socket, response) = within(connecting).await.expect("a WebSocket");
        Self { socket, response }
    }

    /// The answer to its opening handshake.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Sends a message.
    ///
    /// # Panics
    ///
    /// When it cannot be sent.
    pub async fn send(&mut self, message: impl Into<Message>) {
        within(self.socket.send(message.into())).await.expect("sent");
    }

    /// Sends a message while the server may be closing.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    pub async fn try_send(&mut self, message: impl Into<Message>) -> Result<(), Box<dyn std::error::Error>> {
        Ok(within(self.socket.send(message.into())).await?)
    }

    /// The next message that is not a ping or pong.
    ///
    /// # Panics
    ///
    /// When the connection ends first, or nothing comes within [`DEADLINE`].
    pub async fn next(&mut self) -> Message {
        loop {
            match within(self.socket.next())
                .await
                .expect("not the end")
                .expect("a message")
            {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next message, which must be text.
    ///
    /// # Panics
    ///
    /// When it is another, or as [`next`](Self::next).
    pub async fn text(&mut self) -> String {
        self.next().await.into_text().expect("text").to_string()
    }

    /// Reads to the close frame and answers it; `ABNORMAL` when the connection ends without one.
    pub async fn closed(&mut self) -> CloseCode {
        self.closed_after(drop).await
    }

    /// The same, and shows what comes before the close frame.
    pub async fn closed_after(&mut self, mut show: impl FnMut(Message)) -> CloseCode {
        let mut code = CloseCode::ABNORMAL;
        while let Some(Ok(message)) = within(self.socket.next()).await {
            match message {
                Message::Close(frame) => {
                    code = frame.map_or(CloseCode::NO_STATUS, |frame| CloseCode(frame.code.into()));
                }
                other => show(other),
            }
        }
        code
    }

    /// Closes, and returns when the server has answered.
    pub async fn close(mut self) {
        within(async {
            if self.socket.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        })
        .await;
    }
}
