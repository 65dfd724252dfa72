//! `POST /poll`: requests that are not good, and limits at their bound and one past it.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tidewire_protocol::{
    CloseCode, Offset,
    frame::{ClientFrame, Close, Start},
};
use tidewire_server::{Settings, Tidewire};
use tidewire_tests::{
    Heard, Poller, Server, SlowEngine,
    polls::{heard, offsets, publish, request},
    within,
};

#[tokio::test]
async fn a_batch_of_one_byte_more_than_is_taken_is_answered_with_413() {
    const MAX: usize = 300;
    let server = Server::start(|settings| settings.max_message_bytes = MAX);
    let empty = Poller::new(server.address()).batch(&[publish(1, "")]).len();
    // From 128 bytes on, the length of a frame takes a byte more.
    for (length, status) in [(MAX, StatusCode::OK), (MAX + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let text = "x".repeat(length - empty - 1);
        let mut ann = Poller::new(server.address());
        assert_eq!(ann.batch(&[publish(1, &text)]).len(), length);
        let (head, _) = ann.send(&[publish(1, &text)]).await.response().await;
        assert_eq!(head.status, status, "{length} bytes");
    }
}

#[tokio::test]
async fn a_body_for_which_there_is_no_memory_is_answered_with_503() {
    // What is read of each at a time is free.
    const MAX: usize = (16 << 10) + 1000;
    let server = Server::start(|settings| settings.limits.max_partial_bytes = Some(1000));
    let text = "x".repeat(60_000);
    let batch = Poller::new(server.address()).batch(&[publish(1, &text)]);
    for (length, status) in [
        (MAX, StatusCode::BAD_REQUEST),
        (MAX + 1, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let mut raw = server.raw().await;
        // It has no hello, so that its length is all that matters.
        raw.send_while_taken(&request(&batch[batch.len() - length..])).await;
        let (head, _) = raw.answer().await;
        assert_eq!(head.status, status, "{length} bytes");
        assert_eq!(
            head.header("retry-after").is_some(),
            status == StatusCode::SERVICE_UNAVAILABLE
        );
        let lines = [
            "POST /api/rooms/r/messages HTTP/1.1".to_owned(),
            "Host: localhost".to_owned(),
        ];
        let (head, _) = server.raw().await.exchange(&lines, &vec![b'x'; length]).await;
        let expected = if status == StatusCode::BAD_REQUEST {
            StatusCode::CREATED
        } else {
            status
        };
        assert_eq!(head.status, expected, "{length} bytes");
    }
    Poller::join(server.address()).await;
}

#[tokio::test]
async fn what_is_not_a_poll_is_told_so() {
    let server = Server::start_default();
    for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
        let mut raw = server.raw().await;
        let lines = [format!("{method} /poll HTTP/1.1"), "Host: localhost".into()];
        let (head, _) = raw.exchange(&lines, b"").await;
        assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(
            (head.header("allow"), head.header("cache-control")),
            (Some("POST"), Some("no-store"))
        );
    }
    let mut raw = server.raw().await;
    for body in [&b""[..], b"hello", &[0x01, 1, 1], &[0x10, 0xff], &[0x7f, 0]] {
        raw.send(&request(body)).await;
        let (head, answer) = raw.answer().await;
        assert_eq!(head.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert_eq!(heard(&answer), [Heard::Close(CloseCode::PROTOCOL_ERROR)]);
    }
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn an_answer_is_bytes_and_not_to_be_stored() {
    let server = Server::start_default();
    let (head, _) = Poller::new(server.address()).send(&[]).await.response().await;
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(head.header("content-type"), Some("application/octet-stream"));
    assert_eq!(head.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_fault_behind_hello_closes_within_the_protocol() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let mut batch = ann.batch(&[publish(1, "before it")]);
    batch.extend([0x13, 5]);
    let mut raw = server.raw().await;
    raw.send(&request(&batch)).await;
    let (head, answer) = raw.answer().await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(heard(&answer).last(), Some(&Heard::Close(CloseCode::PROTOCOL_ERROR)));
    // What came before the fault was done.
    assert_eq!(offsets(&ann.poll(&[]).await), [Offset(1)]);
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_answered_with_408() {
    let server = Server::start(|settings| settings.body_timeout = Duration::from_millis(50));
    let mut raw = server.raw().await;
    let whole = request(&Poller::new(server.address()).batch(&[]));
    raw.send(&whole[..whole.len() - 1]).await;
    assert_eq!(raw.answer().await.0.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn a_poll_can_end_its_session() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let (code, reason) = (CloseCode::NORMAL, "bye");
    ann.poll(&[ClientFrame::Close(Close { code, reason })]).await;
    assert_eq!(server.tidewire().sessions(), 0);
}

#[tokio::test]
async fn a_session_whose_publishes_wait_for_the_engine_gives_no_more_of_them_by_polls() {
    let engine = SlowEngine::new(Duration::ZERO);
    let mut settings = Settings::default();
    settings.max_waiting_bytes = 1000;
    let builder = Tidewire::builder().settings(settings).engine(Arc::new(engine.clone()));
    let server = Server::serve(builder.build());
    let mut ann = Poller::new(server.address());
    // Where the engine takes its time, the first answer does not wait for the room.
    while ann.wants.start == Start::Now {
        ann.poll(&[]).await;
    }
    assert_eq!(ann.position().offset, Offset(0));
    engine.stop();
    let text = "x".repeat(1001);
    // The first is with the engine, and the second waits for it.
    let waiting = ann.send(&[publish(1, "first"), publish(2, &text)]).await;
    let mut connections = server.tidewire().connections();
    let attempt = ann.attempt;
    within(connections.wait_for(|it| it.opened == attempt))
        .await
        .expect("the server runs");
    let answer = ann
        .poll(&[publish(1, "first"), publish(2, &text), publish(3, "third")])
        .await;
    assert_eq!(answer, [Heard::Close(CloseCode::TRY_AGAIN_LATER)]);
    assert_eq!(
        waiting.answer().await.last(),
        Some(&Heard::Close(CloseCode::TAKEN_OVER))
    );
}
