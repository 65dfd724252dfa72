//! What a server can make the native client hold that asks and never takes an answer.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tidewire_client::{Client, ClientOptions};
use tidewire_protocol::{
    Frame as _, Sequence, SessionId,
    frame::{Nonce, Outcome, ServerFrame, Terms, Welcome},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

#[tokio::test]
async fn a_server_that_pings_and_never_reads_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut options = ClientOptions::default();
    options.backoff.base = Duration::from_millis(20);
    options.outbox.max_bytes = 1 << 10;
    let _client = Client::connect(&format!("ws://{address}/ws"), options).expect("an address");

    let mut first = accept(&listener).await;
    first.next().await.expect("a hello").expect("a hello");
    first.send(Message::binary(welcome())).await.expect("it reads");
    let pings = pings();
    let pinging = async { while first.send(Message::binary(pings.clone())).await.is_ok() {} };
    // It takes all that the system's buffers hold, too: much, but not without end.
    timeout(DEADLINE, pinging).await.expect("given up");
    accept(&listener).await;
}

async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let accepted = async { accept_async(listener.accept().await.expect("a connection").0).await };
    let accepted = timeout(DEADLINE, accepted).await;
    accepted.expect("within the deadline").expect("a handshake")
}

fn welcome() -> Vec<u8> {
    let welcome = Welcome {
        outcome: Outcome::New,
        session: SessionId([1; 16]),
        member: "ann",
        settled: Sequence(0),
        terms: Terms::default(),
    };
    encode(&ServerFrame::Welcome(welcome))
}

/// Ten thousand in one batch.
fn pings() -> Vec<u8> {
    let ping = encode(&ServerFrame::Ping(Nonce(7)));
    ping.repeat(10_000)
}

fn encode(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

const DEADLINE: Duration = Duration::from_secs(60);
