//! The faulty proxy itself: what it is told to break breaks, exactly there, and nothing else does.

use std::{io, time::Duration};

use tidewire_tests::{Client, Direction, Fault, Plan, Proxy, Script, Server, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Two ends with the proxy between them.
async fn ends(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = within(TcpStream::connect(proxy.address())).await.expect("connected");
    let (server, _) = within(listener.accept()).await.expect("connected");
    (client, server)
}

async fn start() -> (Proxy, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = Proxy::start(listener.local_addr().expect("an address")).await;
    (proxy, listener)
}

async fn rest(stream: &mut TcpStream) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut bytes = Vec::new();
    let error = within(stream.read_to_end(&mut bytes)).await.err();
    (bytes, error.map(|it| it.kind()))
}

/// A plan whose first connection has this fault.
fn plan_with(fault: Fault, direction: Direction) -> (Plan, u64) {
    let mut plans = (0..).map(Plan::new);
    let is_wanted = |plan: &Plan| {
        let script = plan.script(0);
        script.fault == fault && script.direction == direction && (1..10_000).contains(&script.after_bytes)
    };
    let plan = plans.find(is_wanted).expect("one of infinitely many");
    (plan, plan.script(0).after_bytes)
}

#[tokio::test]
async fn without_a_fault_a_websocket_and_its_close_pass_through() {
    let server = Server::start_default();
    let proxy = Proxy::start(server.address()).await;
    let mut client = Client::connect(proxy.address(), "/echo").await;
    client.send("hello").await;
    assert_eq!(client.text().await, "hello");
    client.close().await;
    proxy.wait_for_open(0).await;
    assert_eq!((proxy.counters().connections, proxy.counters().ended()), (1, 0));
}

#[tokio::test]
async fn a_cut_comes_after_exactly_the_byte_that_the_plan_says() {
    for fault in [Fault::Cut, Fault::HalfOpen] {
        let (plan, after) = plan_with(fault, Direction::ToServer);
        let (proxy, listener) = start().await;
        proxy.follow(Some(plan));
        let (mut client, mut server) = ends(&proxy, &listener).await;
        // It may be cut while this is written.
        drop(client.write_all(&[7; 20_000]).await);
        let (received, _) = rest(&mut server).await;
        assert_eq!(received.len() as u64, after, "{fault:?}");
        assert_eq!(proxy.counters().passed_bytes, after);
    }
}

#[tokio::test]
async fn a_reset_is_seen_by_both_sides_as_one() {
    let (proxy, listener) = start().await;
    let (mut client, mut server) = ends(&proxy, &listener).await;
    assert_eq!(proxy.break_all(Fault::Reset), 1);
    for end in [&mut client, &mut server] {
        assert_eq!(rest(end).await, (Vec::new(), Some(io::ErrorKind::ConnectionReset)));
    }
    assert_eq!(proxy.counters().reset, 1);
}

#[tokio::test]
async fn a_half_open_connection_swallows_and_says_nothing_until_it_is_cut() {
    let (proxy, listener) = start().await;
    let (mut client, mut server) = ends(&proxy, &listener).await;
    proxy.set(Fault::HalfOpen);
    client.write_all(b"lost").await.expect("taken");
    client.shutdown().await.expect("open");
    while proxy.counters().swallowed_bytes < 4 {
        tokio::task::yield_now().await;
    }
    server.write_all(b"lost too").await.expect("nobody told the server");
    proxy.set(Fault::None);
    assert_eq!(rest(&mut server).await.0, b"");
    assert_eq!(proxy.counters().cut, 1);
}

#[tokio::test]
async fn a_stalled_connection_goes_on_where_it_was() {
    let (proxy, listener) = start().await;
    proxy.set(Fault::Stall);
    let (mut client, mut server) = ends(&proxy, &listener).await;
    client.write_all(b"late").await.expect("taken");
    client.shutdown().await.expect("open");
    assert_eq!(proxy.counters().passed_bytes, 0);
    proxy.set(Fault::None);
    assert_eq!(rest(&mut server).await, (b"late".to_vec(), None));
}

#[tokio::test]
async fn a_connection_that_is_held_in_one_direction_goes_on_in_the_other() {
    let (proxy, listener) = start().await;
    proxy.script_next(Script::new(Fault::Hold(Direction::ToClient), Direction::ToServer, 3));
    let (mut client, mut server) = ends(&proxy, &listener).await;
    server.write_all(b"before").await.expect("taken");
    let mut before = [0; 6];
    within(client.read_exact(&mut before)).await.expect("not held yet");
    client.write_all(b"onwards").await.expect("taken");
    let mut onwards = [0; 7];
    within(server.read_exact(&mut onwards)).await.expect("not held");
    server.write_all(b"after").await.expect("taken");
    server.shutdown().await.expect("open");
    assert_eq!(proxy.counters().passed_bytes, 6 + 7);
    proxy.set(Fault::None);
    assert_eq!(rest(&mut client).await, (b"after".to_vec(), None));
}

#[tokio::test]
async fn a_slow_connection_passes_on_everything() {
    let (proxy, listener) = start().await;
    proxy.set(Fault::Slow);
    let (mut client, mut server) = ends(&proxy, &listener).await;
    let begun = std::time::Instant::now();
    client.write_all(&[1; 1000]).await.expect("taken");
    client.shutdown().await.expect("open");
    assert_eq!(rest(&mut server).await, (vec![1; 1000], None));
    assert!(begun.elapsed() > Duration::from_millis(50), "at 64 bytes every 4 ms");
}

#[tokio::test]
async fn a_refused_connection_never_reaches_the_server() {
    let (proxy, listener) = start().await;
    proxy.set(Fault::Refuse);
    let mut refused = TcpStream::connect(proxy.address()).await.expect("accepted first");
    assert_eq!(rest(&mut refused).await.1, Some(io::ErrorKind::ConnectionReset));
    proxy.set(Fault::None);
    let (mut client, mut server) = ends(&proxy, &listener).await;
    client.write_all(b"second").await.expect("taken");
    client.shutdown().await.expect("open");
    assert_eq!(rest(&mut server).await.0, b"second", "it is the first that arrived");
    assert_eq!((proxy.counters().connections, proxy.counters().refused), (2, 1));
}

#[tokio::test]
async fn a_cut_by_hand_spares_those_that_come_after_it() {
    let (proxy, listener) = start().await;
    let (mut first, _server) = ends(&proxy, &listener).await;
    assert_eq!(proxy.cut_all(), 1);
    assert_eq!(rest(&mut first).await.0, b"");
    proxy.wait_for_open(0).await;
    let (mut second, mut server) = ends(&proxy, &listener).await;
    second.write_all(b"x").await.expect("taken");
    assert_eq!(within(server.read_u8()).await.expect("open"), b'x');
    assert_eq!(proxy.cut_all(), 1);
}

#[tokio::test]
async fn new_connections_go_to_the_server_that_was_set_last() {
    let (proxy, _first) = start().await;
    let second = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    proxy.set_server(second.local_addr().expect("an address"));
    let (mut client, mut server) = ends(&proxy, &second).await;
    client.write_all(b"x").await.expect("taken");
    assert_eq!(within(server.read_u8()).await.expect("open"), b'x');
}
