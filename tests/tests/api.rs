//! Publishing and reading over HTTP.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tidewire_protocol::{Offset, frame::Start};
use tidewire_server::{
    Access, Allowed, ApiKeys, Connecting, Decision, Denied, Pass, Publishing, RefusalCode, Tidewire,
};
use tidewire_tests::{Raw, Server, Wire};

struct Http {
    raw: Raw,
}

impl Http {
    async fn to(server: &Server) -> Self {
        Self {
            raw: server.raw().await,
        }
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> (StatusCode, Value) {
        let mut lines = vec![
            format!("{method} /api/rooms/{path} HTTP/1.1"),
            "Host: localhost".to_owned(),
        ];
        lines.extend(headers.iter().map(|line| (*line).to_owned()));
        let (head, body) = self.raw.exchange(&lines, body).await;
        assert_eq!(head.header("content-type"), Some("application/json"));
        (head.status, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn post(&mut self, path: &str, headers: &[&str], body: &[u8]) -> (StatusCode, Value) {
        self.ask("POST", path, headers, body).await
    }

    async fn get(&mut self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, &[], b"").await
    }
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (
        answer.0.as_u16(),
        answer.1["error"]["code"].as_str().unwrap_or_default(),
    )
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8";
const BYTES: &str = "Content-Type: application/octet-stream";

#[tokio::test]
async fn what_is_posted_reaches_subscribers_and_can_be_read() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let begun = ann.subscribe(1, "news", Start::Now).await;
    let mut http = Http::to(&server).await;
    let (status, place) = http.post("news/messages", &[TEXT], "héllo".as_bytes()).await;
    let epoch = format!("{:016x}", begun.position.epoch.0);
    assert_eq!(
        (status, &place),
        (StatusCode::CREATED, &json!({ "epoch": epoch, "offset": 1 }))
    );
    let said = ann.message().await;
    assert_eq!(
        (said.text(), said.sender.as_str(), said.offset),
        ("héllo", "", Offset(1))
    );

    ann.publish(1, "news", "hi").await;
    ann.published(1).await;
    http.post("news/messages", &[BYTES], &[0, 255]).await;
    http.post("news/messages", &["Content-Type: application/json"], b"{}")
        .await;
    let (status, page) = http.get("news/messages").await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({
        "messages": [
            { "offset": 1, "sender": null, "text": "héllo" },
            { "offset": 2, "sender": welcomed.member, "text": "hi" },
            { "offset": 3, "sender": null, "base64": "AP8=" },
            { "offset": 4, "sender": null, "text": "{}" },
        ],
        "position": { "epoch": epoch, "offset": 4 },
    });
    assert_eq!(page, expected);
}

#[tokio::test]
async fn history_is_read_page_by_page_and_tells_what_is_missing() {
    let server = Server::start(|settings| settings.retention.max_messages = 5);
    let mut http = Http::to(&server).await;
    assert_eq!(
        http.get("log/messages").await,
        (StatusCode::OK, json!({ "messages": [], "position": null }))
    );
    for number in 1..=7 {
        http.post("log/messages", &[TEXT], number.to_string().as_bytes()).await;
    }
    let offsets = |page: &Value| -> Vec<u64> {
        let messages = page["messages"].as_array().expect("a list");
        messages
            .iter()
            .map(|it| it["offset"].as_u64().expect("a number"))
            .collect()
    };
    let (_, last) = http.get("log/messages?last=2").await;
    assert_eq!(offsets(&last), [6, 7]);
    let epoch = last["position"]["epoch"].as_str().expect("an epoch").to_owned();
    let (_, first) = http.get(&format!("log/messages?after={epoch}:1&limit=2")).await;
    assert_eq!(offsets(&first), [3, 4]);
    assert_eq!(
        first["gap"],
        json!({ "cause": "evicted", "from": 2, "resume": { "epoch": epoch, "offset": 2 } })
    );
    assert_eq!(first["position"]["offset"], 4);
    let (_, next) = http.get(&format!("log/messages?after={epoch}:4&limit=1000")).await;
    assert_eq!((offsets(&next), &next["gap"]), (vec![5, 6, 7], &Value::Null));
    let (_, end) = http.get(&format!("log/messages?after={epoch}:7")).await;
    assert_eq!((offsets(&end), &end["position"]["offset"]), (vec![], &json!(7)));
    let (_, other) = http.get("log/messages?after=00000000000000aa:3").await;
    assert_eq!(
        (offsets(&other), &other["gap"]["cause"]),
        (vec![3, 4, 5, 6, 7], &json!("log_lost"))
    );
}

#[tokio::test]
async fn of_requests_with_one_key_only_the_first_publishes() {
    let server = Server::start_default();
    let mut http = Http::to(&server).await;
    let key = "Idempotency-Key: order-17";
    let first = http.post("orders/messages", &[TEXT, key], b"made").await;
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(http.post("orders/messages", &[TEXT, key], b"made").await, first);
    let other = http
        .post("orders/messages", &[TEXT, "Idempotency-Key: order-18"], b"made")
        .await;
    assert_eq!(other.1["offset"], 2);
    let elsewhere = http.post("invoices/messages", &[TEXT, key], b"made").await;
    assert_eq!(elsewhere.1["offset"], 1, "a key belongs to its room");
    let keyless = http.post("orders/messages", &[TEXT], b"made").await;
    assert_eq!(keyless.1["offset"], 3);
}

#[tokio::test]
async fn a_bad_request_is_told_what_is_bad() {
    let server = Server::start(|settings| settings.max_payload_bytes = 10);
    let mut http = Http::to(&server).await;
    let long = "r".repeat(129);
    let key = |length: usize| format!("Idempotency-Key: {}", "k".repeat(length));
    for (path, headers, body, expected) in [
        ("%ff/messages", vec![], &b""[..], (400, "invalid_room")),
        ("a%0ab/messages", vec![], b"", (400, "invalid_room")),
        (&format!("{long}/messages"), vec![], b"", (400, "invalid_room")),
        ("r/messages", vec![TEXT.to_owned()], b"\xff", (400, "not_utf8")),
        ("r/messages", vec![], b"12345678901", (413, "payload_too_big")),
        ("r/messages", vec![key(256)], b"", (400, "invalid_idempotency_key")),
        ("r/messages", vec![key(0)], b"", (400, "invalid_idempotency_key")),
        (
            "r/messages",
            vec![key(1), key(1)],
            b"",
            (400, "invalid_idempotency_key"),
        ),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = http.post(path, &headers, body).await;
        assert_eq!(code(&answer), expected, "{path} {headers:?}");
    }
    assert_eq!(
        http.post("r/messages", &[&key(255)], b"1234567890").await.0,
        StatusCode::CREATED
    );
    let named = http.post("a%2Fb%20%E2%98%83/messages", &[], b"").await;
    assert_eq!(named.0, StatusCode::CREATED);
    assert!(server.tidewire().room("a/b ☃").expect("a name").head().is_some());
    assert_eq!(code(&http.get("r/messages?last=1001").await), (400, "invalid_query"));
    assert_eq!(
        code(&http.ask("PUT", "r/messages", &[], b"").await),
        (405, "method_not_allowed")
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_gets_408() {
    let server = Server::start(|settings| settings.body_timeout = Duration::from_millis(50));
    let mut raw = server.raw().await;
    let head = "POST /api/rooms/r/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf";
    raw.send(head.as_bytes()).await;
    assert_eq!(raw.head().await.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_body_without_a_length_is_taken_up_to_the_limit() {
    let server = Server::start(|settings| settings.max_payload_bytes = 10);
    for (chunks, status) in [
        ("5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n", StatusCode::CREATED),
        ("5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let mut raw = server.raw().await;
        let head = "POST /api/rooms/r/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        raw.send(format!("{head}{chunks}").as_bytes()).await;
        assert_eq!(raw.head().await.status, status);
    }
}

/// Decides by the room's name, and takes its time for one of them.
#[derive(Debug)]
struct Doorman;

impl Access for Doorman {
    fn connect(&self, _: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(Ok(Pass::anonymous()))
    }

    fn publish(&self, publishing: &Publishing<'_>) -> Decision<Result<Allowed, RefusalCode>> {
        assert!(publishing.pass.is_none() && publishing.member.is_none());
        match publishing.room.as_str() {
            "open" => Decision::Now(Ok(Allowed::AsItIs)),
            "busy" => Decision::Now(Err(RefusalCode::RATE_LIMITED)),
            "later" => Decision::later(async { Err(RefusalCode(222)) }),
            _ => Decision::Now(Err(RefusalCode::REJECTED)),
        }
    }
}

#[tokio::test]
async fn what_the_program_refuses_is_refused() {
    let tidewire = Tidewire::builder()
        .access(Doorman)
        .api_keys(ApiKeys::unneeded())
        .build();
    let server = Server::serve(tidewire);
    let mut http = Http::to(&server).await;
    assert_eq!(http.post("open/messages", &[], b"").await.0, StatusCode::CREATED);
    for (room, expected, refusal) in [
        ("busy", (429, "rate_limited"), 101),
        ("later", (503, "refused"), 222),
        ("closed", (403, "refused"), 5),
    ] {
        let answer = http.post(&format!("{room}/messages"), &[], b"").await;
        assert_eq!(
            (code(&answer), answer.1["error"]["refusal"].as_u64()),
            (expected, Some(refusal))
        );
    }
    assert!(server.tidewire().room("closed").expect("a name").head().is_none());
}

#[tokio::test]
async fn reading_makes_no_room_and_posting_makes_no_more_than_there_may_be() {
    let server = Server::start(|settings| settings.max_rooms = 2);
    let mut http = Http::to(&server).await;
    for room in ["a", "b", "c", "d"] {
        assert_eq!(http.get(&format!("{room}/messages")).await.0, StatusCode::OK);
    }
    assert_eq!(server.tidewire().rooms(), 0);
    for room in ["a", "b"] {
        assert_eq!(
            http.post(&format!("{room}/messages"), &[], b"").await.0,
            StatusCode::CREATED
        );
    }
    let answer = http.post("c/messages", &[], b"").await;
    assert_eq!(code(&answer), (503, "too_many_rooms"));
}
