//! A broadcast server as one would write it by hand on axum, with `tokio::sync::broadcast` and default buffers.
//!
//! Each message is formatted once and its bytes are shared by all that receive it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Result;
use axum::{
    Router,
    extract::{
        State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    routing::any,
    serve::ListenerExt,
};
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

#[derive(Clone)]
struct Chat {
    said: Sender<Said>,
    members: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Said {
    member: u64,
    text: Utf8Bytes,
}

/// Serves `/chat` and `/echo` on a free port.
#[tokio::main]
pub(crate) async fn serve() -> Result<()> {
    let chat = Chat {
        said: channel(CAPACITY).0,
        members: Arc::default(),
    };
    let routes = Router::new()
        .route(
            "/chat",
            any(|upgrade: WebSocketUpgrade, State(chat): State<Chat>| async {
                upgrade.on_upgrade(|it| join(it, chat))
            }),
        )
        .route(
            "/echo",
            any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) }),
        )
        .with_state(chat);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, routes).await?)
}

/// A member of the chat, until it leaves.
async fn join(mut socket: WebSocket, chat: Chat) {
    let member = chat.members.fetch_add(1, Ordering::Relaxed);
    let others = chat.said.subscribe();
    if socket
        .send(Message::text("Welcome to the WebSocket server!"))
        .await
        .is_ok()
    {
        // An error is the end of a connection like any other.
        drop(talk(socket, &chat, others, member).await);
    }
}

async fn talk(mut socket: WebSocket, chat: &Chat, mut others: Receiver<Said>, member: u64) -> Result<(), axum::Error> {
    loop {
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    let broadcast = format!("Broadcast: {text}").into();
                    // An error means that nobody is there.
                    drop(chat.said.send(Said { member, text: broadcast }));
                    socket.send(Message::text(format!("Server received: {text}"))).await?;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            said = others.recv() => match said {
                Ok(said) if said.member == member => {}
                Ok(said) => socket.send(Message::Text(said.text)).await?,
                // Messages are lost here; the load generator will say so.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) | Message::Binary(_) = message
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

/// That of axum's own chat example.
const CAPACITY: usize = 100;
