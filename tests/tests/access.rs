//! Who may connect, subscribe and publish, by JSON Web Tokens: the same over WebSocket and polls.

use http::StatusCode;
use serde_json::json;
use tidewire_protocol::{
    CloseCode,
    frame::{PresenceWanted, RefusalCode, Start},
};
use tidewire_tests::{Heard, Over, Raw, Visitor, tokens, upgrade_request};

#[tokio::test]
async fn a_token_says_who_one_is_and_what_one_may_do() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let token = tokens::token(
            "ada",
            &json!({ "team/*": ["subscribe", "publish"], "news": ["subscribe"] }),
        );
        let mut ada = Visitor::new(over, server.address(), token);
        let heard = ada.visit(&[]).await;
        let Heard::Welcome(welcomed) = &heard[0] else {
            panic!("{heard:?}");
        };
        assert_eq!(welcomed.member, "ada");
        let life = welcomed.terms.token_expires_in.as_secs();
        assert!((3590..=3600).contains(&life), "{life} s");
        assert_eq!(ada.publish("team/red", "hello").await, Ok(()));
        assert_eq!(ada.publish("news", "hello").await, Err(RefusalCode::FORBIDDEN));
        assert_eq!(ada.publish("team/red/blue", "hello").await, Err(RefusalCode::FORBIDDEN));
        for (room, expected) in [
            ("team/red", None),
            ("news", None),
            ("lobby", Some(RefusalCode::FORBIDDEN)),
        ] {
            let subscribed = ada.subscribe(room, Start::Now, PresenceWanted::Nothing).await;
            assert_eq!(subscribed.err(), expected, "{room}");
        }
    }
}

#[tokio::test]
async fn who_shows_no_good_token_is_closed() {
    let server = tokens::server(|_| {});
    let now = tokens::now();
    let mut forged = tokens::token("ada", &json!({}));
    forged.reverse();
    for over in Over::ALL {
        for (token, expected) in [
            (Vec::new(), CloseCode::UNAUTHORIZED),
            (forged.clone(), CloseCode::UNAUTHORIZED),
            (vec![b'x'; 100_000], CloseCode::UNAUTHORIZED),
            (
                tokens::sign(&json!({ "sub": "ada", "exp": now - 1 })),
                CloseCode::TOKEN_EXPIRED,
            ),
            (
                tokens::sign(&json!({ "sub": "ada", "exp": now + 90_000 })),
                CloseCode::UNAUTHORIZED,
            ),
        ] {
            let mut visitor = Visitor::new(over, server.address(), token);
            assert_eq!(visitor.closed().await, Some(expected), "{over:?}");
        }
    }
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn nobody_has_the_session_of_another() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let all = json!({ "**": tokens::all() });
        let mut ada = Visitor::new(over, server.address(), tokens::token("ada", &all));
        assert_eq!(ada.publish("lobby", "mine").await, Ok(()));
        let mut bob = Visitor::new(over, server.address(), tokens::token("bob", &all));
        bob.session = ada.session;
        for _ in 0..5 {
            assert_eq!(bob.closed().await, Some(CloseCode::UNAUTHORIZED));
        }
        let heard = ada.visit(&[]).await;
        assert!(
            matches!(heard[..], [Heard::Welcome(_), Heard::Published(..), Heard::Pong]),
            "it goes on, with its answers: {heard:?}"
        );
    }
}

#[tokio::test]
async fn where_tokens_are_asked_for_plain_endpoints_are_closed() {
    let server = tokens::server(|_| {});
    for path in ["/echo", "/chat"] {
        let mut raw = Raw::connect(server.address()).await;
        let head = raw.request(&upgrade_request(path)).await;
        assert_eq!(head.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(head.header("www-authenticate"), Some("Bearer"), "{path}");
    }
}
