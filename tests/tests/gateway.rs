//! The gateway does what its rules say: other tests take it at its word.

use std::time::Duration;

use http::StatusCode;
use tidewire_behaviours::{Polls, Rules, Spoiled, Traffic, WebSockets, proxies};
use tidewire_protocol::CloseCode;
use tidewire_tests::{Client, Gateway, Poller, Raw, Server, polls, upgrade_request, within};
use tokio::time::timeout;

async fn before(servers: &[&Server], rules: Rules) -> Gateway {
    Gateway::start(servers.iter().map(|server| server.address()).collect(), rules).await
}

async fn upgrade(gateway: &Gateway) -> StatusCode {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(&upgrade_request("/echo")).await.status
}

/// The status of a poll, and its body.
async fn poll(gateway: &Gateway) -> (StatusCode, Vec<u8>) {
    let mut poller = Poller::new(gateway.address());
    let (head, body) = poller.send(&[]).await.response().await;
    (head.status, body)
}

#[tokio::test]
async fn websockets_and_polls_pass_where_no_rule_is_against_it() {
    let server = Server::start_default();
    let gateway = before(&[&server], Rules::default()).await;
    let mut echo = Client::connect(gateway.address(), "/echo").await;
    echo.send("there and back").await;
    assert_eq!(echo.text().await, "there and back");
    Poller::join(gateway.address()).await;
    let traffic = *gateway.traffic().borrow();
    let (websockets, polls) = (1, 1);
    assert_eq!(
        traffic,
        Traffic {
            websockets,
            polls,
            ..Traffic::default()
        }
    );
    gateway.cut_all();
    assert_eq!(echo.closed().await, CloseCode::ABNORMAL);
    server.wait_for_open(0).await;
    Poller::join(gateway.address()).await;
}

#[tokio::test]
async fn upgrades_are_refused_killed_or_left_to_hang() {
    let server = Server::start_default();
    let gateway = before(&[&server], proxies::upgrades_not_implemented().rules).await;
    assert_eq!(upgrade(&gateway).await, StatusCode::NOT_IMPLEMENTED);
    gateway.set(Rules::default());
    let mut open = Client::connect(gateway.address(), "/echo").await;
    gateway.set(Rules {
        websockets: WebSockets::Kill(200),
        ..Rules::default()
    });
    assert_eq!(open.closed().await, CloseCode::ABNORMAL, "it is not let pass any more");
    let mut killed = Client::connect(gateway.address(), "/echo").await;
    killed.send("in time").await;
    assert_eq!(killed.text().await, "in time");
    assert_eq!(killed.closed().await, CloseCode::ABNORMAL);
    gateway.set(Rules {
        websockets: WebSockets::Hang,
        ..Rules::default()
    });
    assert!(timeout(SOME_TIME, upgrade(&gateway)).await.is_err());
    assert_eq!(gateway.traffic().borrow().barred, 3);
}

#[tokio::test]
async fn one_poll_of_so_many_is_spoiled() {
    let server = Server::start_default();
    let by = Spoiled::Status(413);
    let gateway = before(
        &[&server],
        Rules {
            polls: Polls::Spoil(3, by),
            ..Rules::default()
        },
    )
    .await;
    for round in 0..2 {
        for number in 0..3 {
            let (status, body) = poll(&gateway).await;
            let expected = if number == 0 {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::OK
            };
            assert_eq!(status, expected, "{round} {number}");
            assert_eq!(body.starts_with(b"<!doctype html>"), number == 0);
        }
    }
    gateway.set(Rules {
        polls: Polls::Spoil(1, Spoiled::Page),
        ..Rules::default()
    });
    let (status, body) = poll(&gateway).await;
    assert!(status == StatusCode::OK && body.starts_with(b"<!doctype html>"));
}

#[tokio::test]
async fn a_poll_that_waits_ends_when_polls_pass_no_more_or_it_was_idle() {
    let server = Server::start_default();
    let gateway = before(&[&server], Rules::default()).await;
    let mut poller = Poller::join(gateway.address()).await;
    let mut waiting = poller.send(&[]).await;
    server.wait_for_open(1).await;
    gateway.set(Rules {
        polls: Polls::Spoil(1, Spoiled::Status(502)),
        ..Rules::default()
    });
    assert_eq!(waiting.response().await.0.status, StatusCode::BAD_GATEWAY);
    server.wait_for_open(0).await;
    gateway.set(proxies::idle_connections_cut().rules);
    let (head, _) = poller.send(&[]).await.response().await;
    assert_eq!(head.status, StatusCode::GATEWAY_TIMEOUT);
    server.wait_for_open(0).await;
}

#[tokio::test]
async fn a_websocket_is_cut_once_nothing_passes() {
    let server = Server::start_default();
    let gateway = before(&[&server], proxies::idle_connections_cut().rules).await;
    let mut echo = Client::connect(gateway.address(), "/echo").await;
    echo.send("one").await;
    assert_eq!(echo.text().await, "one");
    assert_eq!(echo.closed().await, CloseCode::ABNORMAL);
    assert_eq!(gateway.traffic().borrow().idle, 1);
}

#[tokio::test]
async fn bytes_are_held_back_until_there_are_enough() {
    let server = Server::start_default();
    let gateway = before(&[&server], proxies::answers_held_back().rules).await;
    let mut echo = Client::connect(gateway.address(), "/echo").await;
    echo.send("little").await;
    assert!(timeout(SOME_TIME, echo.text()).await.is_err());
    echo.send("m".repeat(5000)).await;
    assert_eq!(echo.text().await, "little");
    assert_eq!(echo.text().await.len(), 5000);
    // Polls have an end.
    assert_eq!(poll(&gateway).await.0, StatusCode::OK);
}

#[tokio::test]
async fn each_request_goes_to_the_next_server() {
    let servers = [Server::start_default(), Server::start_default()];
    let gateway = before(&[&servers[0], &servers[1]], Rules::default()).await;
    // On one connection.
    let mut raw = Raw::connect(gateway.address()).await;
    for _ in 0..3 {
        for server in &servers {
            let before = server.tidewire().connections().borrow().opened;
            let batch = Poller::new(gateway.address()).batch(&[]);
            raw.send(&polls::request(&batch)).await;
            assert_eq!(raw.answer().await.0.status, StatusCode::OK);
            let mut connections = server.tidewire().connections();
            within(connections.wait_for(|it| it.opened == before + 1))
                .await
                .expect("it runs");
        }
    }
}

/// In this time would have come what does not come.
const SOME_TIME: Duration = Duration::from_millis(100);
