//! A server that ends over a while: who is turned away, what is still done for whom, and what is said before a close.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::Value;
use tidewire_protocol::{
    CloseCode, Sequence,
    frame::{Outcome, Start},
};
use tidewire_server::{NotPublished, Phase, RefusalCode, Settings, Tidewire};
use tidewire_tests::{
    Head, Heard, Poller, Process, Server, SlowEngine, Wire, polls::publish, until, upgrade_request, within,
};

/// Nobody's turn comes while a test runs, but that of the first.
const LONG: Duration = Duration::from_secs(3600 * 24);

async fn ask(server: &Server, method: &str, path: &str) -> (Head, String) {
    let lines = [format!("{method} {path} HTTP/1.1"), "Host: localhost".to_owned()];
    let (head, body) = server.raw().await.exchange(&lines, b"").await;
    (head, String::from_utf8(body).expect("text"))
}

/// A server whose first connection is open already.
async fn server() -> (Server, tidewire_tests::Client) {
    let server = Server::start(|settings| settings.drain = LONG);
    let first = server.connect("/echo").await;
    server.wait_for_open(1).await;
    (server, first)
}

#[tokio::test]
async fn a_server_that_drains_is_not_ready_and_takes_nobody_new() {
    let (server, mut first) = server().await;
    assert_eq!(ask(&server, "GET", "/readyz").await.0.status, StatusCode::OK);
    assert_eq!(
        ask(&server, "PUT", "/api/drain").await.0.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let (head, state) = ask(&server, "GET", "/api/drain").await;
    assert_eq!(
        (head.status, state.contains("serving")),
        (StatusCode::OK, true),
        "{state}"
    );

    let (head, state) = ask(&server, "POST", "/api/drain").await;
    let state: Value = serde_json::from_str(&state).expect("JSON");
    assert_eq!(head.status, StatusCode::ACCEPTED);
    assert_eq!(
        (&state["phase"], &state["connections"]),
        (&"draining".into(), &1.into())
    );
    assert!(matches!(server.tidewire().phase(), Phase::Draining { .. }));
    assert_eq!(first.closed().await, CloseCode::GOING_AWAY, "its turn is the first");

    assert_eq!(ask(&server, "GET", "/healthz").await.0.status, StatusCode::OK);
    let turned_away = [
        ask(&server, "GET", "/readyz").await.0,
        server.raw().await.request(&upgrade_request("/ws")).await,
        server.raw().await.request(&upgrade_request("/echo")).await,
        Poller::new(server.address()).send(&[]).await.response().await.0,
        ask(&server, "POST", "/api/rooms/lobby/messages").await.0,
    ];
    for (number, head) in turned_away.iter().enumerate() {
        assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE, "{number}");
        let seconds: u64 = head
            .header("retry-after")
            .and_then(|it| it.parse().ok())
            .expect("seconds");
        assert!((1..=LONG.as_secs() + 1).contains(&seconds), "{number}: {seconds}");
    }
}

#[tokio::test]
async fn who_has_a_session_is_told_and_goes_on_until_its_turn() {
    let (server, _first) = server().await;
    let (mut ann, _) = Wire::join(server.address()).await;
    let mut bob = Poller::join(server.address()).await;
    server
        .tidewire()
        .room("lobby")
        .expect("a name")
        .publish("before")
        .await
        .expect("taken");
    ask(&server, "POST", "/api/drain").await;
    assert_eq!(ann.next().await, Heard::GoAway);
    ann.round_trip().await;
    assert_eq!(ann.subscribe(1, "lobby", Start::Last(1)).await.position.offset.0, 0);
    assert_eq!(ann.message().await.text(), "before");
    let answer = bob.poll(&[]).await;
    assert!(
        matches!(&answer[..], [Heard::Welcome(_), Heard::Subscribed(_), Heard::Message(said)] if said.text() == "before")
    );
    let publishing = server.tidewire().room("lobby").expect("a name").publish("after").await;
    let cause = publishing.expect_err("nothing more is published").cause;
    assert_eq!(cause, NotPublished::Refused(RefusalCode::UNAVAILABLE));

    let sent = bob.send(&[publish(1, "not taken")]).await;
    ann.publish(1, "lobby", "nor this").await;
    ann.round_trip().await;
    let (answer, closed, ()) = tokio::join!(sent.answer(), ann.closed(), server.tidewire().shutdown());
    assert_eq!(closed, (Some(CloseCode::GOING_AWAY), CloseCode::GOING_AWAY));
    assert_eq!(answer[2..], [Heard::Close(CloseCode::GOING_AWAY)]);
    assert_eq!(server.tidewire().phase(), Phase::Stopped);
}

fn over(engine: &SlowEngine, close_timeout: Duration) -> Server {
    let mut settings = Settings::default();
    settings.close_timeout = close_timeout;
    let builder = Tidewire::builder().settings(settings).engine(Arc::new(engine.clone()));
    Server::serve(builder.build())
}

#[tokio::test]
async fn what_was_taken_is_answered_before_the_close_and_what_comes_later_is_not_taken() {
    let engine = SlowEngine::new(Duration::ZERO);
    let server = over(&engine, Duration::from_secs(10));
    let (mut ann, _) = Wire::join(server.address()).await;
    let mut bob = Poller::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    engine.stop();
    ann.publish(1, "lobby", "first").await;
    ann.publish(2, "lobby", "second").await;
    ann.round_trip().await;
    let sent = bob.send(&[publish(1, "third")]).await;
    server.wait_for_open(2).await;
    let ending = tokio::spawn({
        let tidewire = server.tidewire().clone();
        async move { tidewire.shutdown().await }
    });
    until(async || server.tidewire().phase() != Phase::Serving).await;
    // Nothing is read before it is its turn, which a ping tells.
    ann.round_trip().await;
    ann.publish(3, "lobby", "too late").await;
    ann.round_trip().await;
    engine.go_on();
    let mut frames = Vec::new();
    while !matches!(frames.last(), Some(Heard::Close(_))) {
        frames.push(ann.next().await);
    }
    let (mut answers, mut messages) = (Vec::new(), Vec::new());
    for frame in &frames {
        match frame {
            Heard::Published(Sequence(sequence), _) => answers.push(*sequence),
            Heard::Message(said) => messages.push(said.text().to_owned()),
            _ => {}
        }
    }
    assert_eq!(answers, [1, 2], "{frames:?}");
    assert!(
        messages.contains(&"first".to_owned()) && messages.contains(&"second".to_owned()),
        "{frames:?}"
    );
    assert!(!messages.contains(&"too late".to_owned()), "{frames:?}");
    assert_eq!(frames.last(), Some(&Heard::Close(CloseCode::GOING_AWAY)));
    let answer = sent.answer().await;
    assert!(
        matches!(&answer[2..], [.., Heard::Close(CloseCode::GOING_AWAY)]),
        "{answer:?}"
    );
    assert!(
        answer.iter().any(|it| matches!(it, Heard::Published(Sequence(1), _))),
        "{answer:?}"
    );
    drop(ann);
    within(ending).await.expect("it ends");
}

#[tokio::test]
async fn what_the_program_is_publishing_as_a_drain_begins_is_told_to_subscribers_before_their_close() {
    let engine = SlowEngine::ending(Duration::ZERO);
    let server = over(&engine, Duration::from_secs(10));
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    engine.stop();
    let mut publishing = std::pin::pin!(lobby.publish("the last"));
    // It is with the engine from here on.
    assert!(futures_util::poll!(publishing.as_mut()).is_pending());
    let ending = tokio::spawn({
        let tidewire = server.tidewire().clone();
        async move { tidewire.shutdown().await }
    });
    until(async || server.tidewire().phase() != Phase::Serving).await;
    for _ in 0..10 {
        ann.round_trip().await;
    }
    assert!(lobby.publish("too late").await.is_err());
    engine.go_on();
    publishing.await.expect("published");
    assert_eq!(ann.message().await.text(), "the last");
    assert_eq!(ann.closed().await.0, Some(CloseCode::GOING_AWAY));
    within(ending).await.expect("it ends");
}

#[tokio::test]
async fn where_the_engine_does_not_answer_in_time_the_close_does_not_say_that_all_is_settled() {
    let engine = SlowEngine::new(Duration::ZERO);
    let server = over(&engine, Duration::from_millis(50));
    let (mut ann, _) = Wire::join(server.address()).await;
    engine.stop();
    ann.publish(1, "lobby", "who knows").await;
    ann.round_trip().await;
    let (closed, ()) = tokio::join!(ann.closed(), server.tidewire().shutdown());
    assert_eq!(closed, (Some(CloseCode::TRY_AGAIN_LATER), CloseCode::TRY_AGAIN_LATER));
}

#[tokio::test]
async fn a_poll_that_all_that_is_left_does_not_fit_into_is_followed_by_another() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    for _ in 0..4 {
        lobby.publish("x".repeat(40 << 10)).await.expect("taken");
    }
    let tidewire = server.tidewire().clone();
    // A session that is between two polls is waited for, for a moment.
    ann.poll(&[]).await;
    let mut told = 0;
    let (ended, ()) = tokio::join!(
        async {
            loop {
                let answer = ann.poll(&[]).await;
                told += answer.iter().filter(|it| matches!(it, Heard::Message(_))).count();
                if let Some(Heard::Close(code)) = answer.last() {
                    return *code;
                }
            }
        },
        tidewire.drain(Duration::from_secs(2))
    );
    assert_eq!((ended, told), (CloseCode::GOING_AWAY, 2), "two were had before");
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    for (first, second) in [("TERM", "TERM"), ("TERM", "INT")] {
        let process = Process::start(&["--drain", "1h"], &[]).await;
        let mut echo = tidewire_tests::Client::connect(process.address, "/echo").await;
        echo.send("the first").await;
        assert_eq!(echo.text().await, "the first");
        let (mut ann, welcome) = Wire::join(process.address).await;
        assert_eq!(welcome.outcome, Outcome::New);
        process.signal(first).await;
        assert_eq!(
            (echo.closed().await, ann.next().await),
            (CloseCode::GOING_AWAY, Heard::GoAway)
        );
        process.signal(second).await;
        assert_eq!(ann.closed().await.1, CloseCode::GOING_AWAY);
        let (status, _, log) = process.ended().await;
        assert!(
            status.success() && log.contains("draining") && log.contains("stopped"),
            "{log}"
        );
    }
}
