//! How much may be said, and how fast.

use http::StatusCode;
use tidewire_protocol::{
    Sequence,
    frame::{ClientFrame, Outcome, Payload, RefusalCode, RefusedWhat, Start},
};
use tidewire_server::{ApiKeys, Limits, Rate, Settings, Tidewire};
use tidewire_tests::{
    Heard, Poller, Server, Wire,
    polls::{offsets, publish},
    until,
};

fn server(change: impl FnOnce(&mut Limits)) -> Server {
    Server::start(|settings| change(&mut settings.limits))
}

/// So many at once, and then one a second. What is said in one batch is said at once.
fn at_once(burst: u32) -> Option<Rate> {
    Rate::new(1, burst)
}

fn publishes<'a>(sequences: impl IntoIterator<Item = u64>) -> Vec<ClientFrame<'a>> {
    sequences.into_iter().map(|sequence| publish(sequence, "x")).collect()
}

/// Waits for the answers to so many publishes, and returns those that were refused for the rate.
async fn refused(wire: &mut Wire, mut answers: usize) -> Vec<u64> {
    let mut refused = Vec::new();
    while answers > 0 {
        answers -= match wire.next().await {
            Heard::Published(..) => 1,
            Heard::Refused(it) => {
                assert_eq!(it.code, RefusalCode::RATE_LIMITED);
                let RefusedWhat::Publish(Sequence(sequence)) = it.what else {
                    panic!("{it:?}")
                };
                refused.push(sequence);
                1
            }
            _ => 0,
        };
    }
    refused
}

/// Publishes until it is accepted again, and returns the next sequence number.
async fn recover(wire: &mut Wire, mut sequence: u64) -> u64 {
    loop {
        wire.publish(sequence, "lobby", "x").await;
        sequence += 1;
        if refused(wire, 1).await.is_empty() {
            return sequence;
        }
    }
}

#[tokio::test]
async fn one_publish_more_than_a_session_may_say_is_refused_in_its_place() {
    let server = server(|limits| limits.session_messages = at_once(10));
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    ann.say_all(&publishes(1..=11)).await;
    assert_eq!(refused(&mut ann, 11).await, [11]);
    // Others are none of its business, and it goes on itself.
    bob.say_all(&publishes(1..=10)).await;
    assert!(refused(&mut bob, 10).await.is_empty());
    recover(&mut ann, 12).await;
    // Said again, it has the answer that it had.
    drop(ann);
    let (mut ann, resumed) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!(resumed.outcome, Outcome::Resumed);
    assert_eq!(refused(&mut ann, 11).await, [11]);
}

#[tokio::test]
async fn one_publish_more_than_a_session_may_say_by_polls_is_refused_and_at_twice_as_many_frames_the_poll_is() {
    let server = server(|limits| limits.session_messages = at_once(10));
    let mut ann = Poller::new(server.address());
    let answer = ann.poll(&publishes(1..=11)).await;
    assert_eq!(offsets(&answer).len(), 10);
    assert!(
        answer
            .iter()
            .any(|it| matches!(it, Heard::Refused(it) if it.what == RefusedWhat::Publish(Sequence(11))))
    );
    // It was 13 frames, and is 8 more.
    let (head, _) = ann.send(&publishes(12..=17)).await.response().await;
    assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(head.header("retry-after"), Some("1"));
    // Nothing of it was done, and it can be said again.
    until(async || {
        let mut bob = Poller::new(server.address());
        bob.session = ann.session;
        bob.attempt = 1000;
        bob.send(&[]).await.response().await.0.status == StatusCode::OK
    })
    .await;
    Poller::join(server.address()).await;
}

#[tokio::test]
async fn one_signal_more_than_a_session_may_say_is_dropped() {
    let server = server(|limits| limits.session_messages = at_once(10));
    let (mut ann, _) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    let signals = [ClientFrame::Signal {
        room: "lobby",
        payload: Payload::Text("x"),
    }; 11];
    ann.say_all(&signals).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    for _ in 0..10 {
        assert!(matches!(bob.next().await, Heard::Signal(..)));
    }
    ann.round_trip().await;
    lobby.publish("the next").await.expect("published");
    assert_eq!(bob.message().await.text(), "the next");
}

#[tokio::test]
async fn one_message_more_than_an_address_may_say_is_refused_whichever_session_says_it() {
    let server = server(|limits| limits.address_messages = at_once(10));
    let (mut ann, _) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    let mut cid = Wire::open_from([127, 0, 0, 2].into(), server.address()).await;
    cid.hello(None, 1, 0).await;
    ann.say_all(&publishes(1..=6)).await;
    assert!(refused(&mut ann, 6).await.is_empty());
    bob.say_all(&publishes(1..=6)).await;
    // Meanwhile a second may have passed.
    assert!(refused(&mut bob, 6).await.len() <= 2);
    bob.say_all(&publishes(7..=18)).await;
    assert!(!refused(&mut bob, 12).await.is_empty());
    cid.say_all(&publishes(1..=10)).await;
    assert!(refused(&mut cid, 10).await.is_empty());
    recover(&mut ann, 7).await;
}

#[tokio::test]
async fn one_request_to_the_api_more_than_an_address_may_make_is_answered_with_429() {
    let server = server(|limits| limits.address_messages = at_once(3));
    let mut raw = server.raw().await;
    let mut statuses = Vec::new();
    let lines = [
        "GET /api/rooms/lobby/messages HTTP/1.1".to_owned(),
        "Host: localhost".to_owned(),
    ];
    let (head, body) = loop {
        let (head, body) = raw.exchange(&lines, b"").await;
        if head.status != StatusCode::OK {
            break (head, body);
        }
        statuses.push(head.status);
    };
    assert!(statuses.len() >= 3, "{statuses:?}");
    assert_eq!(
        (head.status, head.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("1"))
    );
    let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(answer["error"]["code"], "rate_limited");
    until(async || server.raw().await.exchange(&lines, b"").await.0.status == StatusCode::OK).await;
}

#[tokio::test]
async fn a_request_to_the_api_with_a_key_is_not_held_to_its_address_and_one_with_a_wrong_key_is() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let mut settings = Settings::default();
    settings.limits.address_messages = at_once(2);
    settings.limits.new_rooms = at_once(1);
    let keys = ApiKeys::parse(KEY).expect("a key");
    let server = Server::serve(Tidewire::builder().settings(settings).api_keys(keys).build());
    let mut raw = server.raw().await;
    let mut ask = async |path: &str, key: &str| {
        let lines = [
            format!("{path} HTTP/1.1"),
            "Host: localhost".to_owned(),
            format!("Authorization: Bearer {key}"),
        ];
        raw.exchange(&lines, b"").await.0.status
    };
    for path in ["GET /metrics", "GET /api/limits"] {
        let turned_away = loop {
            match ask(path, &KEY[1..]).await {
                StatusCode::UNAUTHORIZED => {}
                other => break other,
            }
        };
        assert_eq!(turned_away, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    for number in 0..20 {
        let publish = format!("POST /api/rooms/{number}/messages");
        assert_eq!(ask(&publish, KEY).await, StatusCode::CREATED);
        assert_eq!(ask("GET /metrics", KEY).await, StatusCode::OK);
    }
}

/// A poll with so many bytes, and what it is answered.
async fn poll_of(server: &Server, poller: &mut Poller, bytes: usize) -> StatusCode {
    let sequence = poller.attempt + 1;
    let empty = poller.batch(&[publish(sequence, &"x".repeat(200))]).len();
    poller.attempt -= 1;
    let text = "x".repeat(200 + bytes - empty);
    assert_eq!(poller.batch(&[publish(sequence, &text)]).len(), bytes);
    poller.attempt -= 1;
    poller.address = server.address();
    let (head, body) = poller.send(&[publish(sequence, &text)]).await.response().await;
    if head.status == StatusCode::OK {
        poller.take(&tidewire_tests::polls::heard(&body));
    }
    head.status
}

#[tokio::test]
async fn a_poll_of_one_byte_more_than_a_session_or_an_address_may_send_is_answered_with_429() {
    type Change = fn(&mut Limits, Option<Rate>);
    let by_session: Change = |limits, rate| limits.session_bytes = rate;
    let by_address: Change = |limits, rate| limits.address_bytes = rate;
    for (change, second, expected) in [
        (by_session, 5000, StatusCode::OK),
        (by_session, 5001 + SLACK, StatusCode::TOO_MANY_REQUESTS),
        (by_address, 5000, StatusCode::OK),
        (by_address, 5001 + SLACK, StatusCode::TOO_MANY_REQUESTS),
    ] {
        let server = server(|limits| change(limits, at_once(10_000)));
        let mut ann = Poller::new(server.address());
        assert_eq!(poll_of(&server, &mut ann, 5000).await, StatusCode::OK);
        assert_eq!(poll_of(&server, &mut ann, second).await, expected, "{second} bytes");
    }
}

/// A byte a second comes back meanwhile.
const SLACK: usize = 20;

#[tokio::test]
async fn all_that_a_client_may_have_unanswered_can_be_said_again_when_it_is_back() {
    let server = Server::start_default();
    let most = u64::from(server.tidewire().settings().max_unanswered);
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    ann.say_all(&publishes(1..=most)).await;
    assert!(refused(&mut ann, most as usize).await.is_empty());
    for attempt in 2..4 {
        drop(ann);
        let (resumed, said) = Wire::resume(server.address(), welcomed.session, attempt, 0).await;
        assert_eq!(said.outcome, Outcome::Resumed);
        ann = resumed;
        ann.say_all(&publishes(1..=most)).await;
        // Each has its answer by the welcome, and another when it is said again.
        assert!(refused(&mut ann, 2 * most as usize).await.is_empty());
    }
    // The next server, or the same after a restart, hears all of them as new ones.
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.say_all(&publishes(1..=most)).await;
    assert!(refused(&mut bob, most as usize).await.is_empty());
}
