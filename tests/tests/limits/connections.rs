//! How many may be connected, and how fast they may come.

use http::StatusCode;
use tidewire_protocol::frame::Start;
use tidewire_server::{Limits, Rate};
use tidewire_tests::{Head, Poller, Raw, Server, Wire, polls::request, until, upgrade_request};
use tokio::io::AsyncReadExt;

fn server(change: impl FnOnce(&mut Limits)) -> Server {
    Server::start(|settings| change(&mut settings.limits))
}

/// What a new WebSocket is answered.
async fn handshake(server: &Server, path: &str) -> (Raw, Head) {
    let mut raw = server.raw().await;
    let head = raw.request(&upgrade_request(path)).await;
    (raw, head)
}

/// What a new poll is answered.
async fn poll(server: &Server) -> Head {
    let mut ann = Poller::new(server.address());
    ann.send(&[]).await.response().await.0
}

fn is_refused(head: &Head, status: StatusCode) {
    assert_eq!(head.status, status);
    let seconds = head.header("retry-after").and_then(|it| it.parse::<u64>().ok());
    assert!(seconds.is_some_and(|it| (1..=60).contains(&it)), "{head:?}");
}

#[tokio::test]
async fn one_connection_more_than_there_may_be_is_answered_with_503_until_one_has_ended() {
    let server = server(|limits| limits.max_connections = Some(3));
    let (mut ann, _) = Wire::join(server.address()).await;
    let mut bob = Poller::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let (echo, head) = handshake(&server, "/echo").await;
    assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
    let waiting = bob.send(&[]).await;
    server.wait_for_open(3).await;
    for path in ["/ws", "/echo", "/chat"] {
        is_refused(&handshake(&server, path).await.1, StatusCode::SERVICE_UNAVAILABLE);
    }
    is_refused(&poll(&server).await, StatusCode::SERVICE_UNAVAILABLE);
    // Those that are there keep working.
    ann.publish(1, "lobby", "still here").await;
    ann.published(1).await;
    assert_eq!(waiting.answer().await.len(), 3);
    drop(echo);
    until(async || handshake(&server, "/ws").await.1.status == StatusCode::SWITCHING_PROTOCOLS).await;
}

#[tokio::test]
async fn one_connection_more_than_an_address_may_have_is_answered_with_429_until_one_has_ended() {
    let server = server(|limits| limits.max_connections_per_address = Some(2));
    let (mut ann, _) = Wire::join(server.address()).await;
    let (echo, _) = handshake(&server, "/echo").await;
    server.wait_for_open(2).await;
    is_refused(&handshake(&server, "/ws").await.1, StatusCode::TOO_MANY_REQUESTS);
    is_refused(&poll(&server).await, StatusCode::TOO_MANY_REQUESTS);
    // Those of other addresses are none of its business.
    let mut bob = Wire::open_from([127, 0, 0, 2].into(), server.address()).await;
    bob.hello(None, 1, 0).await;
    ann.round_trip().await;
    drop(echo);
    until(async || poll(&server).await.status == StatusCode::OK).await;
}

#[tokio::test]
async fn tcp_connections_that_say_nothing_are_bounded_and_more_are_dropped() {
    let server = server(|limits| limits.max_connections_per_address = Some(4));
    // A quarter more than there may be WebSockets, and 16.
    let mut silent = Vec::new();
    for _ in 0..21 {
        silent.push(server.raw().await);
    }
    let mut dropped = server.raw().await;
    assert!(dropped.rest().await.is_empty());
    // Those of other addresses, and those that are there, keep working; with a WebSocket they count as one.
    let mut ann = Wire::open_from([127, 0, 0, 2].into(), server.address()).await;
    ann.hello(None, 1, 0).await;
    let head = silent[20].request(&upgrade_request("/echo")).await;
    assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
    one_more_is_let_in(&server).await;
}

/// Resolves when a poll on another TCP connection is answered.
async fn one_more_is_let_in(server: &Server) {
    until(async || {
        let mut raw = server.raw().await;
        raw.send_while_taken(&request(&Poller::new(server.address()).batch(&[])))
            .await;
        raw.stream().read_u8().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn tcp_connections_in_all_that_say_nothing_are_bounded_and_more_are_dropped() {
    let server = server(|limits| {
        limits.max_connections = Some(4);
        limits.max_connections_per_address = None;
    });
    let mut silent = Vec::new();
    for host in 1..=21 {
        silent.push(Raw::connect_from([127, 0, 0, host].into(), server.address()).await);
    }
    assert!(server.raw().await.rest().await.is_empty());
    // Of those that are there each may have a WebSocket, and then counts as one.
    let head = silent[20].request(&upgrade_request("/echo")).await;
    assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
    one_more_is_let_in(&server).await;
}

#[tokio::test]
async fn one_handshake_more_than_an_address_may_make_is_answered_with_429() {
    let server = server(|limits| limits.handshakes = Rate::new(1, 3));
    let (mut ann, _) = Wire::join(server.address()).await;
    let mut bob = Poller::join(server.address()).await;
    let (_echo, head) = handshake(&server, "/echo").await;
    assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
    is_refused(&handshake(&server, "/ws").await.1, StatusCode::TOO_MANY_REQUESTS);
    is_refused(&poll(&server).await, StatusCode::TOO_MANY_REQUESTS);
    // A session that is there may go on by polls.
    ann.subscribe(1, "lobby", Start::Now).await;
    let waiting = bob.send(&[]).await;
    ann.publish(1, "lobby", "news").await;
    ann.published(1).await;
    assert!(!waiting.answer().await.is_empty());
    // It may come again when it was told.
    until(async || handshake(&server, "/ws").await.1.status == StatusCode::SWITCHING_PROTOCOLS).await;
}
