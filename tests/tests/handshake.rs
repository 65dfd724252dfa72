//! The opening handshake: RFC 6455 section 4.2, over raw sockets.

use std::time::Duration;

use http::StatusCode;
use tidewire_tests::{Frame, Raw, Server, upgrade_request};

/// The response to an opening handshake on `/echo` in which the line that starts with `name` is replaced.
async fn response_with(server: &Server, name: &str, lines: &[&str]) -> tidewire_tests::Head {
    let mut request = upgrade_request("/echo");
    let at = request
        .iter()
        .position(|line| line.starts_with(name))
        .expect("a line of that name");
    request.splice(at..=at, lines.iter().map(|&line| line.to_owned()));
    server.raw().await.request(&request).await
}

#[tokio::test]
async fn a_proper_handshake_is_accepted_with_the_key_of_the_rfcs_example() {
    let server = Server::start_default();
    for path in ["/echo", "/chat"] {
        let head = server.raw().await.request(&upgrade_request(path)).await;
        assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(head.header("upgrade"), Some("websocket"));
        assert_eq!(head.header("connection"), Some("upgrade"));
        assert_eq!(
            head.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
    }
}

#[tokio::test]
async fn header_values_are_matched_in_any_case_and_among_others() {
    let server = Server::start_default();
    for (name, line) in [
        ("Connection", "Connection: keep-alive, Upgrade"),
        ("Connection", "Connection: UPGRADE"),
        ("Upgrade", "Upgrade: WebSocket"),
        ("Upgrade", "Upgrade: h2c, websocket"),
    ] {
        assert_eq!(
            response_with(&server, name, &[line]).await.status,
            StatusCode::SWITCHING_PROTOCOLS,
            "{line}"
        );
    }
}

#[tokio::test]
async fn another_version_gets_426_that_names_ours() {
    let server = Server::start_default();
    for lines in [
        &["Sec-WebSocket-Version: 8"][..],
        &["Sec-WebSocket-Version: 14"],
        &["Sec-WebSocket-Version: x"],
        &[],
    ] {
        let head = response_with(&server, "Sec-WebSocket-Version", lines).await;
        assert_eq!(head.status, StatusCode::UPGRADE_REQUIRED, "{lines:?}");
        assert_eq!(head.header("sec-websocket-version"), Some("13"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_get_without_upgrade_gets_426() {
    let server = Server::start_default();
    for (name, lines) in [
        ("Upgrade", &[][..]),
        ("Upgrade", &["Upgrade: h2c"]),
        ("Upgrade", &["Upgrade: websockets"]),
        ("Connection", &[]),
        ("Connection", &["Connection: keep-alive"]),
    ] {
        let head = response_with(&server, name, lines).await;
        assert_eq!(head.status, StatusCode::UPGRADE_REQUIRED, "{name} {lines:?}");
        assert_eq!(head.header("upgrade"), Some("websocket"));
    }
}

#[tokio::test]
async fn a_missing_or_malformed_key_gets_400() {
    let server = Server::start_default();
    for lines in [
        &[][..],
        &["Sec-WebSocket-Key: "],
        &["Sec-WebSocket-Key: not base64 at all!!!"],
        // 15, 17 and 16 bytes, the last without its padding.
        &["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"],
        &["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
        &[
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
    ] {
        assert_eq!(
            response_with(&server, "Sec-WebSocket-Key", lines).await.status,
            StatusCode::BAD_REQUEST,
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn another_method_gets_405() {
    let server = Server::start_default();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"] {
        let head = response_with(&server, "GET", &[&format!("{method} /echo HTTP/1.1")]).await;
        assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(head.header("allow"), Some("GET"), "{method}");
    }
}

#[tokio::test]
async fn http_1_0_and_a_missing_host_get_400() {
    let server = Server::start_default();
    assert_eq!(
        response_with(&server, "GET", &["GET /echo HTTP/1.0"]).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        response_with(&server, "Host", &[]).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_host_that_is_none_or_there_twice_a_second_version_and_a_body_get_no_websocket() {
    let server = Server::start_default();
    for (name, lines, status) in [
        ("Host", &["Host: a", "Host: b"][..], StatusCode::BAD_REQUEST),
        ("Host", &["Host: a b/c"], StatusCode::BAD_REQUEST),
        (
            "Sec-WebSocket-Version",
            &["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"],
            StatusCode::UPGRADE_REQUIRED,
        ),
        ("Host", &["Host: a", "Content-Length: 6"], StatusCode::BAD_REQUEST),
        (
            "Host",
            &["Host: a", "Transfer-Encoding: chunked"],
            StatusCode::BAD_REQUEST,
        ),
        (
            "Host",
            &["Host: a", "Content-Length: 0"],
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        ("Host", &["Host: [::1]:8080"], StatusCode::SWITCHING_PROTOCOLS),
    ] {
        assert_eq!(response_with(&server, name, lines).await.status, status, "{lines:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_can_be_used_for_a_proper_handshake() {
    let server = Server::start_default();
    let mut raw = server.raw().await;
    let mut request = upgrade_request("/echo");
    request.pop();
    let head = raw.request(&request).await;
    assert_eq!(head.status, StatusCode::UPGRADE_REQUIRED);
    let length = head
        .header("content-length")
        .and_then(|it| it.parse::<usize>().ok())
        .expect("a length");
    let mut body = vec![0; length];
    tokio::io::AsyncReadExt::read_exact(raw.stream(), &mut body)
        .await
        .expect("a body");
    assert_eq!(
        raw.request(&upgrade_request("/echo")).await.status,
        StatusCode::SWITCHING_PROTOCOLS
    );
}

#[tokio::test]
async fn the_first_subprotocol_offered_is_agreed_to_and_none_where_none_is() {
    let server = Server::start_default();
    let with = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: one, two"];
    let head = response_with(&server, "Sec-WebSocket-Version", &with).await;
    assert_eq!(head.header("sec-websocket-protocol"), Some("one"));
    let head = server.raw().await.request(&upgrade_request("/echo")).await;
    assert_eq!(head.header("sec-websocket-protocol"), None);
}

#[tokio::test]
async fn frames_sent_together_with_the_handshake_are_not_lost() {
    let server = Server::start_default();
    let mut raw = server.raw().await;
    let head = format!("{}\r\n\r\n", upgrade_request("/echo").join("\r\n"));
    raw.send(&[head.as_bytes(), &Frame::new(Frame::TEXT, b"early").masked()].concat())
        .await;
    assert_eq!(raw.head().await.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::TEXT, b"early")));
}

#[tokio::test]
async fn a_request_head_that_is_not_finished_in_time_ends_the_connection() {
    let server = Server::start(|settings| settings.handshake_timeout = Duration::from_millis(100));
    for begun in ["", "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgr"] {
        let mut raw = server.raw().await;
        raw.send(begun.as_bytes()).await;
        // Reads to the end of the stream, which has no other reason to come.
        assert!(!String::from_utf8_lossy(&raw.rest().await).contains("101"), "{begun:?}");
    }
}

#[tokio::test]
async fn a_request_head_of_more_than_16_kib_gets_431() {
    let server = Server::start_default();
    let padded = |bytes: usize| format!("X-Padding: {}", "x".repeat(bytes));
    let mut request = upgrade_request("/echo");
    request.push(padded(12 << 10));
    assert_eq!(
        server.raw().await.request(&request).await.status,
        StatusCode::SWITCHING_PROTOCOLS
    );
    request.push(padded(4 << 10));
    let status = server.raw().await.request(&request).await.status;
    assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn the_deadline_for_request_heads_does_not_touch_websockets() {
    let server = Server::start(|settings| settings.handshake_timeout = Duration::from_millis(50));
    let mut open = Raw::upgraded(server.address(), "/echo").await;
    // One that is late is dropped: as long has the other been idle.
    assert!(server.raw().await.rest().await.is_empty());
    open.send(&Frame::new(Frame::TEXT, b"still here").masked()).await;
    assert_eq!(open.frame().await, Some(Frame::new(Frame::TEXT, b"still here")));
}

#[tokio::test]
async fn an_unknown_path_gets_404_and_health_answers() {
    let server = Server::start_default();
    for (path, status) in [
        ("/nothing", StatusCode::NOT_FOUND),
        ("/echo/more", StatusCode::NOT_FOUND),
        ("/healthz", StatusCode::OK),
    ] {
        let head = server
            .raw()
            .await
            .request(&[format!("GET {path} HTTP/1.1"), "Host: localhost".into()])
            .await;
        assert_eq!(head.status, status, "{path}");
    }
}
