//! Revoking over the API and by the program: sessions that are ended, and grants that are withdrawn.

use std::time::Instant;

use http::StatusCode;
use serde_json::{Value, json};
use tidewire_protocol::{
    CloseCode, MemberId, Request,
    frame::{PresenceWanted, RefusalCode, Refused, RefusedWhat, Start},
};
use tidewire_server::{ApiKeys, Tidewire};
use tidewire_tests::{Heard, Over, Poller, Server, Visitor, Wire, tokens, until};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn server() -> Server {
    let keys = ApiKeys::parse(KEY).expect("a key");
    Server::serve(Tidewire::builder().access(tokens::jwt()).api_keys(keys).build())
}

async fn ask(server: &Server, method: &str, path: &str, key: Option<&str>) -> (StatusCode, Value) {
    let mut lines = vec![format!("{method} /api/{path} HTTP/1.1"), "Host: localhost".to_owned()];
    lines.extend(key.map(|key| format!("Authorization: Bearer {key}")));
    let (head, body) = server.raw().await.exchange(&lines, b"").await;
    (head.status, serde_json::from_slice(&body).expect("JSON"))
}

async fn revoke(server: &Server, path: &str) -> u64 {
    let (status, answer) = ask(server, "DELETE", path, Some(KEY)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["sessions"].as_u64().expect("a number")
}

fn everything(name: &str) -> Vec<u8> {
    tokens::token(name, &json!({ "**": tokens::all() }))
}

/// A token that was issued after all that was revoked until now: tokens tell only the second.
fn of_later(name: &str) -> Vec<u8> {
    let now = tokens::now();
    // A clock that is ahead by so little is allowed for.
    tokens::sign(&json!({ "sub": name, "iat": now + 2, "exp": now + 600, "grants": { "**": tokens::all() } }))
}

#[tokio::test]
async fn where_keys_are_asked_for_the_api_is_closed_without() {
    let keyed = server();
    for (path, method) in [
        ("rooms/lobby/messages", "GET"),
        ("rooms/lobby/messages", "POST"),
        ("subjects/ada/sessions", "DELETE"),
        ("grants?room=x", "DELETE"),
        ("nowhere", "GET"),
        ("limits", "GET"),
        ("drain", "GET"),
        ("drain", "POST"),
    ] {
        for key in [
            None,
            Some(""),
            Some(&KEY[1..]),
            Some("1123456789abcdef0123456789abcdef"),
        ] {
            let (status, answer) = ask(&keyed, method, path, key).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} {key:?}");
            assert_eq!(answer["error"]["code"], "unauthorized");
        }
        let (status, _) = ask(&keyed, method, path, Some(KEY)).await;
        assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    // Without any key nobody is let in.
    let none = Tidewire::builder().access(tokens::jwt()).build();
    let none = Server::serve(none);
    assert_eq!(
        ask(&none, "GET", "rooms/a/messages", Some(KEY)).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn metrics_need_a_key_where_the_api_does_and_health_needs_none() {
    async fn status(server: &Server, path: &str, key: Option<&str>) -> StatusCode {
        let mut lines = vec![format!("GET {path} HTTP/1.1"), "Host: localhost".to_owned()];
        lines.extend(key.map(|key| format!("Authorization: Bearer {key}")));
        server.raw().await.exchange(&lines, b"").await.0.status
    }
    let keyed = server();
    for key in [None, Some(&KEY[1..])] {
        assert_eq!(
            status(&keyed, "/metrics", key).await,
            StatusCode::UNAUTHORIZED,
            "{key:?}"
        );
    }
    assert_eq!(status(&keyed, "/metrics", Some(KEY)).await, StatusCode::OK);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status(&keyed, path, None).await, StatusCode::OK, "{path}");
    }
    let open = Server::start_default();
    assert_eq!(status(&open, "/metrics", None).await, StatusCode::OK);
    // With rules and no key nobody may.
    let closed = Server::serve(Tidewire::builder().access(tokens::jwt()).build());
    assert_eq!(status(&closed, "/metrics", Some(KEY)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_sessions_of_a_subject_end_and_do_not_come_back() {
    let server = server();
    let token = everything("ada");
    let mut wire = Wire::open(server.address()).await;
    wire.hello_with(&token, None, 1, 0).await;
    wire.subscribe(1, "lobby", Start::Now).await;
    let mut poller = Poller::new(server.address());
    poller.token = token.clone();
    poller.poll(&[]).await;
    let waiting = poller.send(&[]).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    until(async || lobby.subscribers() == 2).await;
    let mut bob = Visitor::new(Over::WebSocket, server.address(), everything("bob"));
    assert_eq!(bob.closed().await, None);

    assert_eq!(revoke(&server, "subjects/ada/sessions").await, 2);
    assert_eq!(wire.closed().await.0, Some(CloseCode::UNAUTHORIZED));
    let answer = waiting.answer().await;
    assert_eq!(answer.last(), Some(&Heard::Close(CloseCode::UNAUTHORIZED)));
    assert_eq!(lobby.presence(), []);
    assert_eq!(server.tidewire().sessions(), 1, "bob's");
    assert_eq!(bob.closed().await, None);
    for over in Over::ALL {
        let mut ada = Visitor::new(over, server.address(), token.clone());
        ada.session = poller.session;
        assert_eq!(ada.closed().await, Some(CloseCode::UNAUTHORIZED));
        ada.token = of_later("ada");
        assert_eq!(ada.closed().await, None, "a token of later is good");
    }
}

#[tokio::test]
async fn a_room_that_is_withdrawn_is_told_and_delivers_nothing_more() {
    let server = server();
    let lobby = server.tidewire().room("team/lobby").expect("a name");
    let mut wire = Wire::open(server.address()).await;
    wire.hello_with(&everything("ada"), None, 1, 0).await;
    wire.subscribe(1, "team/lobby", Start::Now).await;
    wire.subscribe(2, "other", Start::Now).await;
    lobby.publish("before").await.expect("published");
    assert_eq!(wire.message().await.text(), "before");
    let begun = Instant::now();
    assert_eq!(revoke(&server, "grants?room=team/*&subject=ada").await, 1);
    // What is said from now on does not come, though nobody has waited.
    lobby.publish("after").await.expect("published");
    assert_eq!(
        wire.next().await,
        Heard::Refused(Refused {
            what: RefusedWhat::Subscription(Request(1)),
            code: RefusalCode::FORBIDDEN,
        })
    );
    println!("delivery ended within {:?} of the request to withdraw", begun.elapsed());
    wire.round_trip().await;
    let other = server.tidewire().room("other").expect("a name");
    other.publish("elsewhere").await.expect("published");
    assert_eq!(wire.message().await.text(), "elsewhere");
    wire.publish(1, "team/lobby", "mine").await;
    assert!(matches!(wire.next().await, Heard::Refused(_)));
    assert_eq!(lobby.presence(), []);
}

#[tokio::test]
async fn what_is_withdrawn_stays_so_until_a_later_token_says_otherwise() {
    let server = server();
    for over in Over::ALL {
        let name = format!("{over:?}");
        let mut ada = Visitor::new(over, server.address(), everything(&name));
        assert_eq!(ada.publish("lobby", "mine").await, Ok(()));
        let mut poller = Poller::new(server.address());
        poller.token = everything(&name);
        poller.poll(&[]).await;
        let waiting = poller.send(&[]).await;
        let room = server.tidewire().room("lobby").expect("a name");
        until(async || room.subscribers() == 1).await;
        assert_eq!(revoke(&server, &format!("grants?room=lobby&subject={name}")).await, 2);
        let answer = waiting.answer().await;
        assert!(matches!(answer.last(), Some(Heard::Refused(_))), "{answer:?}");
        for _ in 0..2 {
            // In the session, and in a new one with the same token.
            assert_eq!(ada.publish("lobby", "mine").await, Err(RefusalCode::FORBIDDEN));
            let subscribed = ada.subscribe("lobby", Start::Now, PresenceWanted::Nothing).await;
            assert_eq!(subscribed.err(), Some(RefusalCode::FORBIDDEN));
            ada = Visitor::new(over, server.address(), ada.token);
        }
        ada.token = of_later(&name);
        assert_eq!(ada.publish("lobby", "mine").await, Ok(()));
    }
}

#[tokio::test]
async fn what_is_withdrawn_from_everybody_is_withdrawn_from_who_has_no_name() {
    let server = Server::start_default();
    let mut wire = Wire::join(server.address()).await.0;
    wire.subscribe(1, "lobby", Start::Now).await;
    let rooms = "lobby".parse().expect("a pattern");
    assert_eq!(server.tidewire().withdraw(&rooms, None), Ok(1));
    assert!(matches!(wire.next().await, Heard::Refused(_)));
    // Who comes later, with nothing that was issued before, is let in.
    let mut later = Wire::join(server.address()).await.0;
    later.subscribe(1, "lobby", Start::Now).await;
    let nobody = MemberId::new("nobody").expect("a name");
    assert_eq!(server.tidewire().end_sessions(&nobody), Ok(0));
}

#[tokio::test]
async fn what_is_asked_for_badly_is_told_so() {
    let server = server();
    for (method, path, expected) in [
        ("GET", "subjects/ada/sessions", (405, "method_not_allowed")),
        ("POST", "grants?room=a", (405, "method_not_allowed")),
        ("DELETE", "subjects//sessions", (400, "invalid_subject")),
        ("DELETE", "subjects/%ff/sessions", (400, "invalid_subject")),
        ("DELETE", "grants", (400, "invalid_query")),
        ("DELETE", "grants?room=", (400, "invalid_query")),
        ("DELETE", "grants?room=a&subject=", (400, "invalid_subject")),
        ("DELETE", "grants?room=a&who=b", (400, "invalid_query")),
    ] {
        let (status, answer) = ask(&server, method, path, Some(KEY)).await;
        let code = answer["error"]["code"].as_str().unwrap_or_default();
        assert_eq!((status.as_u16(), code), expected, "{method} {path}");
    }
}
