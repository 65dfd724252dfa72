//! Transports over tokio: a WebSocket, or one poll.

use core::{
    future::{Future, pending},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tidewire_protocol::{
    CloseCode,
    client::{Attempt, Input, TransportKind},
};
use tokio::{
    net::TcpStream,
    runtime::Handle,
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    task::JoinHandle,
    time::sleep,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::Request,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode as WireCode},
    },
};

use super::{MAX_BATCH_BYTES, polls::Polls, tls::Tls};
use crate::{driver::Shared, error::ConnectError, options::ClientOptions, sink::Sink};

/// Where a server is.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    request: Request,
    tls: Tls,
    polls: Polls,
}

/// The task of a WebSocket or a poll, seen from outside. Once this is dropped, the task sends what it has to, says farewell and ends.
#[derive(Debug)]
pub(crate) struct Transport {
    /// Bounded by the driver, which gives up a transport that has too much to send.
    outgoing: UnboundedSender<Vec<u8>>,
    unsent_bytes: Arc<AtomicUsize>,
    task: JoinHandle<()>,
    _left: oneshot::Sender<()>,
}

/// Resolves when a transport that was left has sent what it had to, or could not.
#[derive(Debug)]
pub(crate) struct Farewell(JoinHandle<()>);

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Endpoint {
    pub(crate) fn new(url: &str, options: &ClientOptions) -> Result<Self, ConnectError> {
        let request = url.into_client_request().map_err(|_| ConnectError::InvalidUrl)?;
        match request.uri().scheme_str() {
            Some(scheme @ ("ws" | "wss")) if !url.contains('#') => {
                let tls = Tls::new(scheme == "wss", options)?;
                let polls = Polls::new(request.uri(), &tls);
                Ok(Self { request, tls, polls })
            }
            _ => Err(ConnectError::InvalidUrl),
        }
    }
}

impl Transport {
    pub(crate) fn open(
        endpoint: &Endpoint,
        kind: TransportKind,
        attempt: Attempt,
        shared: Weak<Shared<impl Sink>>,
    ) -> Result<Self, ConnectError> {
        let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (left, was_left) = oneshot::channel();
        let unsent_bytes = Arc::<AtomicUsize>::default();
        let outbox = Outbox {
            queue,
            unsent_bytes: unsent_bytes.clone(),
        };
        let driver = Driver { attempt, shared };
        let task = match kind {
            TransportKind::Stream => runtime.spawn(run(endpoint.clone(), driver, outbox, was_left)),
            TransportKind::Polls => runtime.spawn(poll(endpoint.polls.clone(), driver, outbox, was_left)),
        };
        Ok(Self {
            outgoing,
            unsent_bytes,
            task,
            _left: left,
        })
    }

    /// As it is with any batch: this one is sent before the task ends.
    pub(crate) fn send_farewell(&self, batch: Vec<u8>) {
        self.send(batch);
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        self.unsent_bytes.fetch_add(batch.len(), Ordering::Relaxed);
        // Where the task has ended, it has told the driver so.
        let _ = self.outgoing.send(batch);
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn leave(self) -> Farewell {
        Farewell(self.task)
    }
}

impl Future for Farewell {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// Whom the transport tells.
struct Driver<S> {
    attempt: Attempt,
    shared: Weak<Shared<S>>,
}

impl<S: Sink> Driver<S> {
    fn tell(&self, input: Input<'_>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.turn(input);
        }
    }
}

/// What is to be sent. It ends when the transport is left.
struct Outbox {
    queue: UnboundedReceiver<Vec<u8>>,
    unsent_bytes: Arc<AtomicUsize>,
}

async fn run(endpoint: Endpoint, driver: Driver<impl Sink>, mut outbox: Outbox, was_left: oneshot::Receiver<()>) {
    let left = async {
        let _ = was_left.await;
    };
    tokio::pin!(left);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MAX_BATCH_BYTES))
        .max_frame_size(Some(MAX_BATCH_BYTES));
    // The driver has the deadline.
    let connected = tokio::select! {
        connected = endpoint.tls.connect(endpoint.request, config) => connected,
        () = &mut left => return,
    };
    let Ok(socket) = connected else {
        return driver.tell(Input::Lost(driver.attempt, None));
    };
    driver.tell(Input::Opened(driver.attempt));
    let (mut sink, mut stream) = socket.split();
    // All at once: a server that waits for us to read does not read either.
    let code = tokio::select! {
        code = read(&mut stream, &driver) => code,
        _ = write(&mut sink, &mut outbox) => None,
        () = async { left.await; sleep(FAREWELL_TIMEOUT).await } => None,
    };
    driver.tell(Input::Lost(driver.attempt, code));
}

/// Sends one batch, and tells of the answer.
async fn poll(polls: Polls, driver: Driver<impl Sink>, mut outbox: Outbox, was_left: oneshot::Receiver<()>) {
    let Some(batch) = outbox.queue.recv().await else {
        return;
    };
    let bytes = batch.len();
    // The driver has the deadline. What was left may still say what it had to.
    let left = async {
        let _ = was_left.await;
        sleep(FAREWELL_TIMEOUT).await;
    };
    let answer = tokio::select! {
        answer = polls.poll(batch, MAX_BATCH_BYTES) => answer,
        () = left => return,
    };
    outbox.unsent_bytes.fetch_sub(bytes, Ordering::Relaxed);
    match answer {
        Ok(batch) => driver.tell(Input::Received(driver.attempt, &batch)),
        Err(code) => driver.tell(Input::Lost(driver.attempt, code)),
    }
}

/// Reads until the connection ends, and tells with which code.
async fn read(stream: &mut SplitStream<Socket>, driver: &Driver<impl Sink>) -> Option<CloseCode> {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(batch) => driver.tell(Input::Received(driver.attempt, &batch)),
            Message::Close(frame) => return Some(frame.map_or(CloseCode::NO_STATUS, |it| CloseCode(it.code.into()))),
            // The protocol has none. Another server may be better.
            Message::Text(_) => return Some(CloseCode::INTERNAL_ERROR),
            _ => {}
        }
    }
    None
}

/// Writes until the transport is left, and then says farewell; the server's answer is waited for by reading.
async fn write(sink: &mut SplitSink<Socket, Message>, outbox: &mut Outbox) -> Result<(), Error> {
    while let Some(batch) = outbox.queue.recv().await {
        let bytes = batch.len();
        sink.send(Message::binary(batch)).await?;
        outbox.unsent_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
    let code = WireCode::Normal;
    let reason = "".into();
    sink.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
    pending().await
}

/// tungstenite's own is 128 KiB, for each connection.
const READ_BUFFER_BYTES: usize = 16 << 10;
/// How long a transport that was left may take to send what it had to.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(3);
