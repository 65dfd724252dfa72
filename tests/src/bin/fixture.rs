//! A server for tests that run in a browser: the whole of Tidewire, mounted in a warp program beside endpoints that
//! misbehave on request.
//!
//! Prints `listening on http://ADDR`, then `refused http://ADDR` with a port on which nobody listens, and serves until
//! its standard input ends.

use std::{collections::HashMap, convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tidewire_server::{Settings, Tidewire, bind, serve};
use tokio::{
    io::{AsyncReadExt, stdin},
    net::TcpSocket,
    sync::watch,
    time::timeout,
};
use warp::{
    Filter, Reply,
    filters::BoxedFilter,
    http::StatusCode,
    reply::Response,
    ws::{Message, WebSocket, Ws},
};

/// How long `/fixture/drained` waits.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> io::Result<()> {
    let any_port: SocketAddr = ([127, 0, 0, 1], 0).into();
    let listener = bind(any_port)?;
    // Bound but not listening: connections are refused, and nobody else gets the port.
    let refused = TcpSocket::new_v4()?;
    refused.bind(any_port)?;
    println!("listening on http://{}", listener.local_addr()?);
    println!("refused http://{}", refused.local_addr()?);

    let mut settings = Settings::default();
    // A burst is to come whole.
    settings.retention.max_messages = 20_000;
    settings.retention.max_bytes = 16 << 20;
    let tidewire = Tidewire::new(settings);
    let cors = warp::cors().allow_any_origin();
    let routes = tidewire.routes().or(faults()).unify().or(tagged()).unify();
    let routes = routes.or(bursts(tidewire.clone())).unify().with(cors);
    serve(listener, routes, tidewire.settings(), async {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).await.is_ok_and(|count| count > 0) {}
    })
    .await;
    tidewire.shutdown().await;
    Ok(())
}

#[derive(Deserialize)]
struct Close {
    code: u16,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Flood {
    messages: usize,
    bytes: usize,
}

/// Connections that end or talk in unusual ways.
fn faults() -> BoxedFilter<(Response,)> {
    let at = |name: &'static str| warp::path("fixture").and(warp::path(name)).and(warp::path::end());
    let vanish = at("vanish").and(warp::ws()).map(|ws: Ws| {
        // Dropped without a close frame once it has said something.
        ws.on_upgrade(move |mut socket| async move { drop(socket.next().await) })
            .into_response()
    });
    let close = at("close")
        .and(warp::query())
        .and(warp::ws())
        .map(|close: Close, ws: Ws| {
            ws.on_upgrade(move |mut socket| async move {
                socket.next().await;
                finish(socket, Message::close_with(close.code, close.reason)).await;
            })
            .into_response()
        });
    let flood = at("flood")
        .and(warp::query())
        .and(warp::ws())
        .map(|flood: Flood, ws: Ws| {
            ws.on_upgrade(move |mut socket| async move {
                for _ in 0..flood.messages {
                    if socket.send(Message::binary(vec![0; flood.bytes])).await.is_err() {
                        return;
                    }
                }
                while socket.next().await.is_some_and(|it| it.is_ok()) {}
            })
            .into_response()
        });
    let mixed = at("mixed").and(warp::ws()).map(|ws: Ws| {
        ws.on_upgrade(move |mut socket| async move {
            for number in 1..=100_u8 {
                let message = if number % 2 == 1 {
                    Message::text(number.to_string())
                } else {
                    Message::binary(vec![number])
                };
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            finish(socket, Message::close_with(1000_u16, "")).await;
        })
        .into_response()
    });
    vanish.or(close).unify().or(flood).unify().or(mixed).unify().boxed()
}

async fn finish(mut socket: WebSocket, close: Message) {
    if socket.send(close).await.is_ok() {
        while socket.next().await.is_some_and(|it| it.is_ok()) {}
    }
}

#[derive(Deserialize)]
struct Burst {
    room: String,
    /// The number of the first message; each is the text of its number.
    first: u64,
    count: u64,
}

/// Publishes many messages at once.
fn bursts(tidewire: Tidewire) -> BoxedFilter<(Response,)> {
    let publish = move |burst: Burst| {
        let room = tidewire.room(&burst.room);
        async move {
            let Ok(room) = room else {
                return Ok::<_, Infallible>(StatusCode::BAD_REQUEST.into_response());
            };
            for number in burst.first..burst.first + burst.count {
                if room.publish(number.to_string()).await.is_err() {
                    return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
                }
            }
            Ok(StatusCode::OK.into_response())
        }
    };
    warp::path!("fixture" / "burst")
        .and(warp::query())
        .and_then(publish)
        .boxed()
}

/// Echoes that are counted by a name in their path.
#[derive(Clone, Default)]
struct Tags {
    counts: Arc<watch::Sender<HashMap<String, Count>>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    open: usize,
    opened: usize,
}

impl Tags {
    fn count(&self, tag: &str) -> Count {
        self.counts.borrow().get(tag).copied().unwrap_or_default()
    }

    fn change(&self, tag: &str, change: impl FnOnce(&mut Count)) {
        self.counts
            .send_modify(|counts| change(counts.entry(tag.to_owned()).or_default()));
    }

    async fn drained(self, tag: String) -> Result<StatusCode, Infallible> {
        let mut counts = self.counts.subscribe();
        let none_open = counts.wait_for(|counts| counts.get(&tag).is_none_or(|count| count.open == 0));
        let drained = timeout(DRAIN_DEADLINE, none_open).await;
        Ok(if drained.is_ok() {
            StatusCode::OK
        } else {
            StatusCode::GATEWAY_TIMEOUT
        })
    }

    async fn echo(self, tag: String, mut socket: WebSocket) {
        self.change(&tag, |count| {
            count.open += 1;
            count.opened += 1;
        });
        while let Some(Ok(message)) = socket.next().await {
            if !message.is_close() && socket.send(message).await.is_err() {
                break;
            }
        }
        self.change(&tag, |count| count.open -= 1);
    }
}

fn tagged() -> BoxedFilter<(Response,)> {
    let tags = Tags::default();
    let echo = warp::path!("fixture" / "tagged" / String).and(warp::ws()).map({
        let tags = tags.clone();
        move |tag, ws: Ws| {
            let tags = tags.clone();
            ws.on_upgrade(move |socket| tags.echo(tag, socket)).into_response()
        }
    });
    let open = warp::path!("fixture" / "open" / String).map({
        let tags = tags.clone();
        move |tag: String| tags.count(&tag).open.to_string().into_response()
    });
    let opened = warp::path!("fixture" / "opened" / String).map({
        let tags = tags.clone();
        move |tag: String| tags.count(&tag).opened.to_string().into_response()
    });
    let drained = warp::path!("fixture" / "drained" / String).and_then(move |tag| tags.clone().drained(tag));
    echo.or(open)
        .unify()
        .or(opened)
        .unify()
        .or(drained.map(Reply::into_response))
        .unify()
        .boxed()
}
