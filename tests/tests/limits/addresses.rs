//! What is counted for an address, and which address that is.

use http::StatusCode;
use tidewire_protocol::{
    CloseCode, Sequence,
    frame::{ClientFrame, Hello, RefusalCode, Start, Token, VERSION},
};
use tidewire_server::{Limits, Rate, TrustedProxies};
use tidewire_tests::{Head, Heard, Poller, Presence, Raw, Server, Wire, until, upgrade_request};

fn server(change: impl FnOnce(&mut Limits)) -> Server {
    Server::start(|settings| change(&mut settings.limits))
}

#[tokio::test]
async fn one_session_more_than_an_address_may_have_is_closed_with_4104_until_one_has_ended() {
    let server = server(|limits| limits.max_sessions_per_address = Some(2));
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let mut bob = Poller::join(server.address()).await;
    let hello = ClientFrame::Hello(Hello {
        version: VERSION,
        attempt: 1,
        session: None,
        answered: Sequence(0),
        token: Token::default(),
    });
    let mut cid = Wire::open(server.address()).await;
    cid.say(hello).await;
    assert_eq!(cid.closed().await.0, Some(CloseCode::TOO_MANY_SESSIONS));
    let answer = Poller::new(server.address()).poll(&[]).await;
    assert_eq!(answer, [Heard::Close(CloseCode::TOO_MANY_SESSIONS)]);
    // Those of other addresses are none of its business, and those that are there go on.
    let mut dan = Wire::open_from([127, 0, 0, 2].into(), server.address()).await;
    dan.hello(None, 1, 0).await;
    ann.round_trip().await;
    drop(ann);
    let (ann, _) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    let (code, reason) = (CloseCode::NORMAL, "bye");
    bob.poll(&[ClientFrame::Close(tidewire_protocol::frame::Close { code, reason })])
        .await;
    Poller::join(server.address()).await;
    drop(ann);
}

#[tokio::test]
async fn one_room_more_than_an_address_may_have_made_is_refused_and_those_that_are_there_are_not() {
    let server = server(|limits| limits.new_rooms = Rate::new(1, 3));
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "a", Start::Now).await;
    ann.publish(1, "b", "x").await;
    ann.published(1).await;
    let mut bob = Poller::join(server.address()).await;
    // A second may pass meanwhile, and with it one more may be made.
    let mut made = 3;
    let refusal = loop {
        ann.ask(2 + made, &format!("room {made}"), Start::Now, Presence::Untold)
            .await;
        match ann.next().await {
            Heard::Subscribed(_) => made += 1,
            Heard::Refused(refused) => break refused,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refusal.code, RefusalCode::RATE_LIMITED);
    assert_eq!(server.tidewire().rooms(), made as usize);
    bob.wants.room = "b";
    bob.wants.start = Start::Now;
    assert!(matches!(bob.poll(&[]).await[1], Heard::Subscribed(_)));
    let mut cid = Wire::open_from([127, 0, 0, 2].into(), server.address()).await;
    cid.hello(None, 1, 0).await;
    cid.subscribe(1, "d", Start::Now).await;
    until(async || {
        let mut raw = server.raw().await;
        let lines = [
            "POST /api/rooms/e/messages HTTP/1.1".to_owned(),
            "Host: localhost".to_owned(),
        ];
        match raw.exchange(&lines, b"x").await.0.status {
            StatusCode::CREATED => true,
            status => {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                false
            }
        }
    })
    .await;
}

/// A WebSocket from an address of its own, with a line more.
async fn open(server: &Server, from: [u8; 4], line: &str) -> (Raw, Head) {
    let mut raw = Raw::connect_from(from.into(), server.address()).await;
    let head = raw
        .request(&[upgrade_request("/echo"), vec![line.to_owned()]].concat())
        .await;
    (raw, head)
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed_about_where_a_request_comes_from() {
    let server = server(|limits| {
        limits.max_connections_per_address = Some(1);
        let proxy = "127.0.0.1/32".parse().expect("a network");
        limits.trusted_proxies = TrustedProxies::new([proxy]);
    });
    let proxy = [127, 0, 0, 1];
    let mut held = Vec::new();
    for (from, line, status) in [
        (proxy, "X-Forwarded-For: 192.0.2.1", StatusCode::SWITCHING_PROTOCOLS),
        (proxy, "X-Forwarded-For: 192.0.2.2", StatusCode::SWITCHING_PROTOCOLS),
        (proxy, "X-Forwarded-For: 192.0.2.1", StatusCode::TOO_MANY_REQUESTS),
        // What the client says itself stands to the left.
        (
            proxy,
            "X-Forwarded-For: 192.0.2.9, 192.0.2.1",
            StatusCode::TOO_MANY_REQUESTS,
        ),
        (proxy, "Forwarded: for=192.0.2.2", StatusCode::TOO_MANY_REQUESTS),
        (
            proxy,
            "Forwarded: for=\"[2001:db8::1]:80\"",
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (proxy, "X-Forwarded-For: 2001:db8::2", StatusCode::TOO_MANY_REQUESTS),
        (
            proxy,
            "X-Forwarded-For: 2001:db8:0:1::2",
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (
            [127, 0, 0, 2],
            "X-Forwarded-For: 192.0.2.3",
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (
            [127, 0, 0, 2],
            "X-Forwarded-For: 192.0.2.4",
            StatusCode::TOO_MANY_REQUESTS,
        ),
    ] {
        let (raw, head) = open(&server, from, line).await;
        assert_eq!(head.status, status, "{from:?} {line}");
        held.push(raw);
    }
}
