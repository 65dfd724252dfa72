//! Behind nginx and Caddy, the real ones, as `docs/deploy` says.

mod behaviours;
mod caddy;
mod child;
mod names;
mod nginx;
mod unit;

use std::{net::Ipv4Addr, time::Duration};

use http::{HeaderMap, StatusCode};
use tidewire_protocol::{
    CloseCode, Sequence,
    frame::{ClientFrame, Payload, Publish, Start},
};
use tidewire_server::{Settings, TrustedProxies, bind};
use tidewire_tests::{Client, Head, Heard, Poller, Raw, Server, Tunnel, Wire, until, upgrade_request, within};
use warp::Filter;

use crate::child::ProxyProcess;

/// A way to a proxy for what speaks no TLS.
async fn way(proxy: &ProxyProcess) -> Tunnel {
    proxy.authority.tunnel(proxy.address).await
}

async fn nginx_before(server: &Server) -> ProxyProcess {
    nginx::start(server.address(), &[]).await
}

#[tokio::test]
async fn nginx_passes_on_what_clients_and_server_say() {
    let server = Server::start(poll_soon);
    passes_all_on(&server, &nginx_before(&server).await).await;
}

#[tokio::test]
async fn caddy_passes_on_what_clients_and_server_say() {
    let server = Server::start(poll_soon);
    passes_all_on(&server, &caddy::start(server.address()).await).await;
}

#[tokio::test]
async fn nginx_tells_where_a_client_is_and_nothing_that_it_claims() {
    let server = listening_for_headers();
    tells_the_address(&nginx::start(server, &[]).await).await;
}

#[tokio::test]
async fn caddy_tells_where_a_client_is_and_nothing_that_it_claims() {
    let server = listening_for_headers();
    tells_the_address(&caddy::start(server).await).await;
}

#[tokio::test]
async fn clients_behind_nginx_have_the_limits_of_their_own_addresses() {
    let server = Server::start(one_for_each_address);
    counts_by_address(&nginx_before(&server).await).await;
}

#[tokio::test]
async fn clients_behind_caddy_have_the_limits_of_their_own_addresses() {
    let server = Server::start(one_for_each_address);
    counts_by_address(&caddy::start(server.address()).await).await;
}

/// Where 75 s are one, and 25 s a quarter of one.
#[tokio::test]
async fn pings_keep_a_connection_open_that_nginx_cuts_without_them() {
    let server = Server::start(|settings| settings.ping_interval = Duration::from_millis(250));
    let nginx = nginx::start(server.address(), &[("75s", "1s")]).await;
    let tunnel = way(&nginx).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    let (mut wire, _) = Wire::join(tunnel.address()).await;
    assert_eq!(echo.closed().await, CloseCode::ABNORMAL);
    wire.answer_pings(8).await;
    wire.round_trip().await;
    server.wait_for_open(1).await;
}

#[tokio::test]
async fn connections_go_on_when_nginx_takes_another_configuration() {
    let server = Server::start_default();
    let nginx = nginx_before(&server).await;
    let tunnel = way(&nginx).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    let new = nginx.authority.renew(&nginx.files, |_| {});
    nginx.signal("HUP");
    until(async || {
        let stream = nginx.authority.connect(nginx.address).await.expect("TLS");
        stream.get_ref().1.peer_certificates().expect("certificates")[0] == new
    })
    .await;
    echo.send("still here").await;
    assert_eq!(echo.text().await, "still here");
    let mut other = Client::connect(tunnel.address(), "/echo").await;
    other.send("here too").await;
    assert_eq!(other.text().await, "here too");
}

/// The answer to a poll without news comes soon.
fn poll_soon(settings: &mut Settings) {
    settings.ping_interval = Duration::from_millis(500);
    trust_the_proxy(settings);
}

fn trust_the_proxy(settings: &mut Settings) {
    settings.limits.trusted_proxies = TrustedProxies::new(["127.0.0.1/32".parse().expect("a network")]);
}

fn one_for_each_address(settings: &mut Settings) {
    trust_the_proxy(settings);
    settings.limits.max_connections_per_address = Some(1);
}

async fn counts_by_address(proxy: &ProxyProcess) {
    let mut open = Vec::new();
    for last in [2, 3] {
        let source = Ipv4Addr::new(127, 0, 0, last);
        let tunnel = proxy.authority.tunnel_from(source, proxy.address).await;
        let mut echo = Client::connect(tunnel.address(), "/echo").await;
        echo.send("the first").await;
        assert_eq!(echo.text().await, "the first");
        let head = Raw::connect(tunnel.address())
            .await
            .request(&upgrade_request("/echo"))
            .await;
        assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS);
        open.push((tunnel, echo));
    }
}

async fn passes_all_on(server: &Server, proxy: &ProxyProcess) {
    let tunnel = way(proxy).await;
    checks_origins(proxy, &tunnel).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    for text in ["m".repeat(1 << 20), "little".to_owned()] {
        echo.send(text.clone()).await;
        assert_eq!(echo.text().await, text);
    }

    let (mut wire, _) = Wire::join(tunnel.address()).await;
    wire.subscribe(1, "lobby", Start::Now).await;
    let mut poller = Poller::join(tunnel.address()).await;
    // It waits, and what comes is not held back.
    let waiting = poller.send(&[]).await;
    server.wait_for_open(3).await;
    wire.publish(1, "lobby", "hello").await;
    wire.published(1).await;
    let answer = waiting.answer().await;
    poller.take(&answer);
    let is_hello = |heard: &Heard| matches!(heard, Heard::Message(said) if said.text() == "hello");
    assert!(answer.iter().any(is_hello), "{answer:?}");
    // And what has nothing to say ends with a ping.
    let answer = poller.poll(&[]).await;
    assert!(answer.contains(&Heard::Ping), "{answer:?}");
    takes_large_polls(&mut poller).await;
}

/// As many of the largest messages as go into the largest poll.
async fn takes_large_polls(poller: &mut Poller) {
    let text = "m".repeat(64 << 10);
    let publishes: Vec<_> = (1..16)
        .map(|sequence| {
            ClientFrame::Publish(Publish {
                sequence: Sequence(sequence),
                room: "large",
                payload: Payload::Text(&text),
            })
        })
        .collect();
    let answer = poller.poll(&publishes).await;
    let published = answer.iter().filter(|heard| matches!(heard, Heard::Published(..)));
    assert_eq!(published.count(), 15);
}

async fn checks_origins(proxy: &ProxyProcess, tunnel: &Tunnel) {
    let host = format!("localhost:{}", proxy.address.port());
    for (origin, status) in [
        (format!("https://{host}"), StatusCode::SWITCHING_PROTOCOLS),
        // The proxy says that it was asked over TLS.
        (format!("http://{host}"), StatusCode::FORBIDDEN),
        ("https://evil.example".to_owned(), StatusCode::FORBIDDEN),
    ] {
        let mut request = upgrade_request("/ws");
        request[1] = format!("Host: {host}");
        request.push(format!("Origin: {origin}"));
        let head = Raw::connect(tunnel.address()).await.request(&request).await;
        assert_eq!(head.status, status, "{origin}");
    }
}

/// A server that says what came with the request.
fn listening_for_headers() -> std::net::SocketAddr {
    let listener = bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let headers = warp::get()
        .and(warp::header::headers_cloned())
        .map(|headers: HeaderMap| {
            let all = |name| format!("{:?}", headers.get_all(name).iter().collect::<Vec<_>>());
            ["x-forwarded-for", "x-forwarded-proto", "forwarded"].map(all).join(" ")
        });
    tokio::spawn(async move {
        let settings = Settings::default();
        tidewire_server::serve(listener, headers, &settings, std::future::pending()).await;
    });
    address
}

async fn tells_the_address(proxy: &ProxyProcess) {
    let tunnel = way(proxy).await;
    let request = [
        "GET / HTTP/1.1".to_owned(),
        format!("Host: localhost:{}", proxy.address.port()),
        "X-Forwarded-For: 192.0.2.1".to_owned(),
        "X-Forwarded-Proto: http".to_owned(),
        "Forwarded: for=192.0.2.1".to_owned(),
    ];
    let (head, body): (Head, _) =
        within(async { Raw::connect(tunnel.address()).await.exchange(&request, b"").await }).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(String::from_utf8(body).expect("text"), r#"["127.0.0.1"] ["https"] []"#);
}
