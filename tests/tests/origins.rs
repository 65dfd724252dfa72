//! Which pages may use a server, on every path that a page can use, over raw sockets.

use http::StatusCode;
use tidewire_server::{AllowedOrigin, Origins};
use tidewire_tests::{Head, Poller, Server, upgrade_request};

const OWN: &str = "http://localhost";
const FOREIGN: &str = "https://evil.example";
const ALLOWED: &str = "https://app.example.org";

fn server(origins: Origins) -> Server {
    Server::start(|settings| settings.origins = origins)
}

fn allowing(origin: &str) -> Server {
    let origin: AllowedOrigin = origin.parse().expect("an origin");
    server(Origins::own().and(origin))
}

/// The answer to an opening handshake with these lines more.
async fn handshake(server: &Server, path: &str, lines: &[String]) -> Head {
    let request = [&upgrade_request(path), lines].concat();
    server.raw().await.request(&request).await
}

fn origin(value: &str) -> Vec<String> {
    vec![format!("Origin: {value}")]
}

/// The answer to a request with a body.
async fn request(server: &Server, line: &str, lines: &[String], body: &[u8]) -> Head {
    let request = [&[format!("{line} HTTP/1.1"), "Host: localhost".into()], lines].concat();
    server.raw().await.exchange(&request, body).await.0
}

fn hello(server: &Server) -> Vec<u8> {
    Poller::new(server.address()).batch(&[])
}

#[tokio::test]
async fn a_websocket_is_opened_to_the_servers_own_pages_and_to_programs() {
    let server = Server::start_default();
    for path in ["/echo", "/chat", "/ws"] {
        for (lines, status) in [
            (vec![], StatusCode::SWITCHING_PROTOCOLS),
            (origin(OWN), StatusCode::SWITCHING_PROTOCOLS),
            (origin(FOREIGN), StatusCode::FORBIDDEN),
            (origin("null"), StatusCode::FORBIDDEN),
            (origin("http://localhost:81"), StatusCode::FORBIDDEN),
            ([origin(OWN), origin(OWN)].concat(), StatusCode::FORBIDDEN),
        ] {
            let head = handshake(&server, path, &lines).await;
            assert_eq!(head.status, status, "{path} {lines:?}");
        }
    }
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn a_foreign_page_is_let_in_where_its_origin_is_allowed() {
    let server = allowing("https://*.example.org");
    for (value, status) in [
        (ALLOWED, StatusCode::SWITCHING_PROTOCOLS),
        (OWN, StatusCode::SWITCHING_PROTOCOLS),
        ("https://example.org", StatusCode::FORBIDDEN),
        ("http://app.example.org", StatusCode::FORBIDDEN),
        (FOREIGN, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            handshake(&server, "/ws", &origin(value)).await.status,
            status,
            "{value}"
        );
    }
}

#[tokio::test]
async fn programs_are_refused_where_an_origin_is_required() {
    let server = server(Origins::own().required());
    for path in ["/echo", "/chat", "/ws"] {
        assert_eq!(handshake(&server, path, &[]).await.status, StatusCode::FORBIDDEN);
    }
    let polled = request(&server, "POST /poll", &[], &hello(&server)).await;
    assert_eq!(polled.status, StatusCode::FORBIDDEN);
    let polled = request(&server, "POST /poll", &origin(OWN), &hello(&server)).await;
    assert_eq!(polled.status, StatusCode::OK);
}

#[tokio::test]
async fn a_foreign_page_cannot_poll_and_is_told_nothing_that_it_could_read() {
    let server = allowing(ALLOWED);
    for line in ["POST /poll", "OPTIONS /poll"] {
        for value in [FOREIGN, "null"] {
            let head = request(&server, line, &origin(value), &hello(&server)).await;
            assert_eq!(head.status, StatusCode::FORBIDDEN, "{line} {value}");
            assert_eq!(head.header("access-control-allow-origin"), None, "{line} {value}");
            assert_eq!(head.header("access-control-allow-methods"), None, "{line} {value}");
        }
    }
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn an_allowed_page_polls_and_may_read_the_answer() {
    let server = allowing(ALLOWED);
    let head = request(&server, "POST /poll", &origin(ALLOWED), &hello(&server)).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("access-control-allow-origin"), Some(ALLOWED));
    assert_eq!(head.header("vary"), Some("origin"));
    // There are no cookies in it, so none are to be sent.
    assert_eq!(head.header("access-control-allow-credentials"), None);
    // Nor does a refusal hide its reason.
    let head = request(&server, "POST /poll", &origin(ALLOWED), b"").await;
    assert_eq!(head.status, StatusCode::BAD_REQUEST);
    assert_eq!(head.header("access-control-allow-origin"), Some(ALLOWED));
}

#[tokio::test]
async fn a_browser_that_asks_before_it_polls_is_told_that_it_may() {
    let server = allowing(ALLOWED);
    let asks = [
        origin(ALLOWED),
        vec![
            "Access-Control-Request-Method: POST".into(),
            "Access-Control-Request-Headers: content-type".into(),
        ],
    ]
    .concat();
    let request = [&["OPTIONS /poll HTTP/1.1".into(), "Host: localhost".into()], &asks[..]].concat();
    let head = server.raw().await.request(&request).await;
    assert_eq!(head.status, StatusCode::NO_CONTENT);
    for (name, value) in [
        ("access-control-allow-origin", ALLOWED),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "86400"),
        ("vary", "origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_page_gets_no_answer_for_another_in_the_servers_own_name() {
    let server = Server::start_default();
    let head = request(&server, "POST /poll", &origin(OWN), &hello(&server)).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_foreign_page_cannot_publish_or_read_over_http() {
    let server = Server::start_default();
    for line in ["POST /api/rooms/lobby/messages", "GET /api/rooms/lobby/messages?last=1"] {
        for (value, is_allowed) in [(FOREIGN, false), (OWN, true)] {
            let head = request(&server, line, &origin(value), b"hello").await;
            assert_eq!(head.status != StatusCode::FORBIDDEN, is_allowed, "{line} {value}");
        }
    }
}
