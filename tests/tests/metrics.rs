//! What a server counts, as Prometheus and the dashboard read it, and the lines it logs.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Value, json};
use tidewire_protocol::{
    CloseCode,
    frame::{ClientFrame, Close, Payload, Start, Token},
};
use tidewire_server::{ApiKeys, Settings, Tidewire};
use tidewire_tests::{
    Heard, Poller, Presence, Process, Raw, Server, Wire, polls, tokens, until, upgrade_request, within,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The series of `/metrics` by name and labels, as they stand there.
async fn scrape(address: std::net::SocketAddr) -> BTreeMap<String, f64> {
    let lines = ["GET /metrics HTTP/1.1".to_owned(), "Host: localhost".to_owned()];
    let (head, body) = Raw::connect(address).await.exchange(&lines, b"").await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(
        head.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = String::from_utf8(body).expect("text");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a name and a value");
            (series.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// What was counted, and that it is all counted by then.
async fn counted(server: &Server, expected: &[(&str, f64)]) {
    until(async || {
        let series = scrape(server.address()).await;
        expected.iter().all(|(name, value)| series.get(*name) == Some(value))
    })
    .await;
}

async fn leave(mut wire: Wire) {
    wire.say(ClientFrame::Close(Close {
        code: CloseCode::NORMAL,
        reason: "",
    }))
    .await;
    wire.closed().await;
}

#[tokio::test]
async fn plain_connections_are_counted_by_path() {
    let server = Server::start_default();
    let mut ann = server.connect("/chat").await;
    assert_eq!(ann.text().await, "Welcome to the WebSocket server!");
    let mut bob = server.connect("/chat").await;
    assert_eq!(bob.text().await, "Welcome to the WebSocket server!");
    ann.send("hi").await;
    assert_eq!(bob.text().await, "Broadcast: hi");
    assert_eq!(ann.text().await, "Server received: hi");
    counted(
        &server,
        &[
            (r#"tidewire_connections{transport="websocket",path="/chat"}"#, 2.0),
            (
                r#"tidewire_messages_received_total{transport="websocket",path="/chat"}"#,
                1.0,
            ),
            // Two are welcomed, one is answered, one is told.
            (
                r#"tidewire_messages_sent_total{transport="websocket",path="/chat"}"#,
                4.0,
            ),
            // A masked frame has 6 bytes beside its payload, one to the client 2.
            (
                r#"tidewire_received_bytes_total{transport="websocket",path="/chat"}"#,
                8.0,
            ),
            (
                r#"tidewire_sent_bytes_total{transport="websocket",path="/chat"}"#,
                f64::from(2 * (2 + 32) + (2 + 19) + (2 + 13)),
            ),
        ],
    )
    .await;
    drop((ann, bob));
    counted(
        &server,
        &[
            (r#"tidewire_connections{transport="websocket",path="/chat"}"#, 0.0),
            (
                r#"tidewire_connections_opened_total{transport="websocket",path="/chat"}"#,
                2.0,
            ),
            (r#"tidewire_closes_total{path="/chat",code="1006"}"#, 2.0),
        ],
    )
    .await;
}

#[tokio::test]
async fn sessions_messages_and_what_went_wrong_are_counted_over_both_transports() {
    let server = Server::start(|settings| {
        settings.retention.max_messages = 2;
        settings.max_payload_bytes = 8;
    });
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let begun = ann.subscribe(1, "lobby", Start::Now).await;
    let mut bob = Poller::join(server.address()).await;
    for sequence in 1..=3 {
        ann.publish(sequence, "lobby", "news").await;
        ann.published(sequence).await;
        bob.poll(&[]).await;
    }
    ann.publish(3, "lobby", "news").await;
    ann.published(3).await;
    ann.publish(4, "lobby", "far too long").await;
    while !matches!(ann.next().await, Heard::Refused(_)) {}
    counted(
        &server,
        &[
            (r#"tidewire_sessions{state="attached"}"#, 1.0),
            (r#"tidewire_sessions{state="waiting"}"#, 1.0),
            ("tidewire_rooms", 1.0),
            (
                r#"tidewire_messages_received_total{transport="websocket",path="/ws"}"#,
                5.0,
            ),
            (r#"tidewire_messages_sent_total{transport="websocket",path="/ws"}"#, 3.0),
            (r#"tidewire_messages_sent_total{transport="poll",path="/poll"}"#, 3.0),
            (r#"tidewire_publishes_total{result="accepted"}"#, 3.0),
            ("tidewire_duplicate_publishes_total", 1.0),
            (r#"tidewire_refusals_total{code="2",reason="payload_too_big"}"#, 1.0),
            (r#"tidewire_hellos_total{outcome="new"}"#, 2.0),
            (r#"tidewire_closes_total{path="/poll",code="1000"}"#, 4.0),
        ],
    )
    .await;
    drop(ann);
    server.wait_for_open(0).await;
    let (mut ann, _) = Wire::resume(server.address(), welcomed.session, 2, 4).await;
    ann.ask(1, "lobby", Start::After(begun.position), Presence::Untold)
        .await;
    while !matches!(ann.next().await, Heard::Gap(_)) {}
    leave(ann).await;
    counted(
        &server,
        &[
            (r#"tidewire_gaps_total{cause="evicted"}"#, 1.0),
            (r#"tidewire_closes_total{path="/ws",code="1000"}"#, 1.0),
            (r#"tidewire_sessions{state="attached"}"#, 0.0),
        ],
    )
    .await;
    let series = scrape(server.address()).await;
    assert!(series[r#"tidewire_hellos_total{outcome="resumed"}"#] >= 4.0);
    assert!(series["tidewire_log_bytes"] > 0.0);
    assert!(series["tidewire_publish_to_write_seconds_count"] > 0.0);
}

#[tokio::test]
async fn refused_handshakes_are_counted_by_reason() {
    let server = Server::start_default();
    let mut foreign = upgrade_request("/ws");
    foreign.push("Origin: https://elsewhere.test".to_owned());
    let mut keyless = upgrade_request("/echo");
    keyless.retain(|line| !line.starts_with("Sec-WebSocket-Key"));
    for lines in [foreign, keyless] {
        server.raw().await.request(&lines).await;
    }
    counted(
        &server,
        &[
            (
                r#"tidewire_requests_refused_total{kind="websocket",reason="origin"}"#,
                1.0,
            ),
            (r#"tidewire_requests_refused_total{kind="websocket",reason="key"}"#, 1.0),
            (
                r#"tidewire_requests_refused_total{kind="websocket",reason="host"}"#,
                0.0,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn polls_requests_tokens_and_signals_that_are_turned_away_are_counted_by_reason() {
    let mut settings = Settings::default();
    settings.limits.max_connections = Some(1);
    let keys = ApiKeys::parse(KEY).expect("a key");
    let builder = Tidewire::builder().settings(settings).api_keys(keys);
    let server = Server::serve(builder.access(tokens::jwt()).build());
    for key in ["wrong", &KEY[1..]] {
        let lines = [
            "GET /api/limits HTTP/1.1".to_owned(),
            "Host: localhost".to_owned(),
            format!("Authorization: Bearer {key}"),
        ];
        server.raw().await.exchange(&lines, b"").await;
    }
    let some = json!({ "empty": ["signal"] });
    let mut ann = Wire::open(server.address()).await;
    ann.hello_with(&tokens::token("ann", &some), None, 1, 0).await;
    for room in ["forbidden", "empty"] {
        let payload = Payload::Text("x");
        ann.say(ClientFrame::Signal { room, payload }).await;
    }
    let mut bob = Poller::new(server.address());
    let (head, _) = bob.send(&[]).await.response().await;
    assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE);
    let token = Token(b"no token");
    ann.say(ClientFrame::Authenticate { token }).await;
    let metrics = [
        "GET /metrics HTTP/1.1".to_owned(),
        "Host: localhost".to_owned(),
        format!("Authorization: Bearer {KEY}"),
    ];
    until(async || {
        let text = String::from_utf8(server.raw().await.exchange(&metrics, b"").await.1).expect("text");
        [
            r#"tidewire_requests_refused_total{kind="api",reason="unauthorized"} 2"#,
            r#"tidewire_requests_refused_total{kind="poll",reason="full"} 1"#,
            r#"tidewire_access_denied_total{reason="unauthorized"} 1"#,
            r#"tidewire_signals_dropped_total{reason="forbidden"} 1"#,
            r#"tidewire_signals_dropped_total{reason="empty_room"} 1"#,
            r#"tidewire_signals_dropped_total{reason="rate_limited"} 0"#,
        ]
        .iter()
        .all(|line| text.lines().any(|it| it == *line))
    })
    .await;
}

/// The dashboard is for this server: what it asks for is there, and what is there it shows.
#[tokio::test]
async fn the_dashboard_and_the_metrics_have_the_same_names() {
    let server = Server::start_default();
    let series = scrape(server.address()).await;
    let there: BTreeSet<&str> = series
        .keys()
        .map(|name| name.split('{').next().expect("a name"))
        .filter(|name| !name.ends_with("_sum") && !name.ends_with("_count"))
        .collect();
    let dashboard = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/grafana.json");
    let dashboard = std::fs::read_to_string(dashboard).expect("a file");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let query = target["expr"].as_str().expect("a query");
            let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            asked.extend(words.filter(|word| word.starts_with("tidewire_")));
        }
    }
    assert_eq!(asked, there);
}

#[tokio::test]
async fn the_end_of_each_connection_is_one_line() {
    let process = Process::start(&["--log-format=json", "--session-ttl=1s"], &[]).await;
    let (mut ann, _) = Wire::join(process.address).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    ann.publish(1, "lobby", "a secret").await;
    let (mut heard, mut answered) = (false, false);
    while !heard || !answered {
        let next = ann.next().await;
        heard |= matches!(next, Heard::Message(_));
        answered |= matches!(next, Heard::Published(..));
    }
    leave(ann).await;
    let mut bob = Poller::join(process.address).await;
    bob.poll(&[
        polls::publish(1, "another"),
        ClientFrame::Close(Close {
            code: CloseCode::NORMAL,
            reason: "",
        }),
    ])
    .await;
    process.signal("TERM").await;
    let (_, _, log) = process.ended().await;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["fields"]["message"] == "connection ended")
        .collect();
    let [stream, polls] = &lines[..] else {
        panic!("{lines:#?}");
    };
    let fields = &stream["fields"];
    assert_eq!((&fields["path"], &fields["code"]), (&"/ws".into(), &1000.into()));
    assert_eq!(fields["reason"], "normal closure");
    assert_eq!((&fields["received"], &fields["sent"]), (&1.into(), &1.into()));
    assert!(fields["received_bytes"].as_u64() > Some(20) && fields["sent_bytes"].as_u64() > Some(20));
    assert!(fields["age"].is_string());
    assert_eq!(fields["address"], "Some(127.0.0.1)");
    let fields = &polls["fields"];
    assert_eq!((&fields["path"], &fields["code"]), (&"/poll".into(), &1000.into()));
    assert!(fields["polls"].as_u64() > Some(0));
    assert!(!log.contains("secret") && !log.contains("another"), "{log}");
}

#[tokio::test]
async fn a_publish_over_http_is_logged_in_its_callers_trace() {
    let process = Process::start(&["--log-format=json", "--log=debug"], &[]).await;
    let lines = [
        "POST /api/rooms/lobby/messages HTTP/1.1",
        "Host: localhost",
        "Content-Type: text/plain",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ]
    .map(str::to_owned);
    let (head, _) = within(Raw::connect(process.address))
        .await
        .exchange(&lines, b"hi")
        .await;
    assert_eq!(head.status, StatusCode::CREATED);
    process.signal("TERM").await;
    let (_, _, log) = process.ended().await;
    let published = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|line| line["fields"]["message"] == "published")
        .expect("a line");
    let span = &published["span"];
    assert_eq!(span["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parent_id"], "00f067aa0ba902b7");
    assert_eq!(span["sampled"], true);
    assert_eq!(published["fields"]["offset"], 1);
}
