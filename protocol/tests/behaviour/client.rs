//! The client's side: when it connects, what it keeps, what it gives back.

use std::time::Duration;

use crate::pair::{Pair, room};
use tidewire_protocol::{
    BackoffSettings, CloseCode, Frame, Instant, MemberId, OwnedPayload, Request, Retention, Sequence,
    client::{self, Attempt, Client, ClientState, Event, OutboxLimits, Output, PublishError, Settings, TransportKind},
    decode,
    frame::{ClientFrame, Nonce, Outcome, Payload, ServerFrame, Start},
    server::{self},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const START: Instant = Instant::new(Duration::from_secs(1));

/// A client that was told to connect.
fn connecting(settings: Settings, seed: u64) -> Client {
    let mut client = Client::new(START, settings, seed);
    client.handle_input(START, client::Input::Connect);
    client
}

fn outputs(client: &mut Client) -> Vec<Output> {
    let mut outputs = Vec::new();
    for _ in 0..10_000 {
        match client.poll_output() {
            Output::Timeout(_) => return outputs,
            output => outputs.push(output),
        }
    }
    panic!("it does not come to rest");
}

fn timeout(client: &mut Client) -> Option<Instant> {
    outputs(client);
    match client.poll_output() {
        Output::Timeout(at) => at,
        output => panic!("{output:?}"),
    }
}

fn connects(client: &mut Client) -> Vec<(Attempt, usize)> {
    let connects = outputs(client).into_iter().filter_map(|output| match output {
        Output::Connect(attempt, kind) => Some((attempt, kind)),
        _ => None,
    });
    connects.collect()
}

fn text(text: &str) -> OwnedPayload {
    OwnedPayload::Text(text.into())
}

#[test]
fn it_does_nothing_until_it_is_told_to_connect() {
    let mut client = Client::new(START, Settings::default(), 1);
    client.handle_input(START, client::Input::Timeout);
    client.handle_input(START, client::Input::Wake);
    client.handle_input(START, client::Input::Online);
    assert_eq!((outputs(&mut client), client.state()), (vec![], ClientState::Idle));
}

#[test]
fn a_transport_that_does_not_open_in_time_is_given_up_and_another_tried_after_a_wait() {
    let mut client = connecting(Settings::default(), 1);
    let deadline = timeout(&mut client).expect("a deadline");
    assert_eq!(deadline, START + Settings::default().connect_timeout);
    client.handle_input(deadline, client::Input::Timeout);
    assert_eq!(outputs(&mut client)[0], Output::Disconnect(Attempt(1)));
    assert!(matches!(client.state(), ClientState::Waiting(_)));
    let until = timeout(&mut client).expect("the end of the wait");
    assert!(until <= deadline + BackoffSettings::default().base);
    client.handle_input(until, client::Input::Timeout);
    assert_eq!(connects(&mut client), [(Attempt(2), 0)]);
}

#[test]
fn waits_grow_to_the_cap_and_clients_spread_over_them() {
    let cap = BackoffSettings::default().cap;
    let waits = |seed| {
        let mut client = connecting(Settings::default(), seed);
        let mut now = START;
        let wait = |client: &mut Client, now: &mut Instant, attempt| {
            client.handle_input(*now, client::Input::Lost(Attempt(attempt), None));
            let until = timeout(client).expect("a wait");
            let wait = until.since(*now);
            *now = until;
            client.handle_input(until, client::Input::Timeout);
            wait
        };
        (1..=12)
            .map(|attempt| wait(&mut client, &mut now, attempt))
            .collect::<Vec<_>>()
    };
    let at_the_cap: Vec<Duration> = (0..100).map(|seed| waits(seed)[11]).collect();
    assert!(at_the_cap.iter().all(|wait| *wait <= cap));
    let early = at_the_cap.iter().filter(|wait| **wait < cap / 2).count();
    assert!((30..70).contains(&early), "{early} of 100 in the first half");
}

#[test]
fn the_wait_starts_over_only_after_a_connection_that_was_of_use() {
    let useful = Settings::default().useful_after;
    for (lasted, at_once) in [(useful, true), (useful - Duration::from_nanos(1), false)] {
        let mut pair = Pair::new();
        pair.tell(client::Input::Connect);
        pair.settle();
        pair.pass(lasted);
        pair.cut(true);
        assert_eq!(pair.client.state() == ClientState::Connecting, at_once, "{lasted:?}");
    }
}

#[test]
fn without_a_network_it_does_not_try_and_with_one_it_tries_at_once() {
    let mut client = connecting(Settings::default(), 1);
    client.handle_input(START, client::Input::Lost(Attempt(1), None));
    client.handle_input(START, client::Input::Offline);
    assert_eq!((client.state(), timeout(&mut client)), (ClientState::Offline, None));
    client.handle_input(START + Duration::from_secs(3600), client::Input::Wake);
    assert_eq!(
        client.state(),
        ClientState::Offline,
        "a page that wakes has no network yet"
    );
    client.handle_input(START + Duration::from_secs(3600), client::Input::Online);
    assert_eq!(connects(&mut client), [(Attempt(2), 0)]);
    client.handle_input(START + Duration::from_secs(3600), client::Input::Offline);
    client.handle_input(START + Duration::from_secs(3600), client::Input::Lost(Attempt(2), None));
    assert_eq!(client.state(), ClientState::Offline);
}

#[test]
fn told_that_the_network_is_gone_an_open_client_asks_for_a_sign_of_life() {
    let (mut pair, _) = Pair::subscribed();
    pair.client.handle_input(pair.now, client::Input::Offline);
    let sent = outputs(&mut pair.client);
    let [Output::Send(_, batch)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert!(
        matches!(decode(batch).next(), Some(Ok(ClientFrame::Ping(_)))),
        "{batch:?}"
    );
}

#[test]
fn a_page_that_wakes_does_not_wait_out_its_wait() {
    let mut client = connecting(Settings::default(), 1);
    client.handle_input(START, client::Input::Lost(Attempt(1), None));
    outputs(&mut client);
    client.handle_input(START, client::Input::Wake);
    assert_eq!(connects(&mut client), [(Attempt(2), 0)]);
}

#[test]
fn the_next_kind_of_transport_is_tried_where_one_is_not_welcomed() {
    let settings = Settings {
        transports: vec![TransportKind::Stream; 2],
        ..Settings::default()
    };
    let mut client = connecting(settings, 1);
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let tried = connects(&mut client);
        kinds.extend(tried.iter().map(|(_, kind)| *kind));
        let (attempt, _) = tried[0];
        client.handle_input(START, client::Input::Lost(attempt, None));
        client.handle_input(START, client::Input::Wake);
    }
    assert_eq!(kinds, [0, 1, 0, 1]);
}

#[test]
fn a_close_code_says_whether_it_comes_back() {
    for (code, comes_back) in [
        (CloseCode::GOING_AWAY, true),
        (CloseCode::SILENT, true),
        (CloseCode::TAKEN_OVER, false),
        (CloseCode::UNAUTHORIZED, false),
        (CloseCode::UNSUPPORTED_VERSION, false),
        (CloseCode::POLICY_VIOLATION, false),
    ] {
        let (mut pair, _) = Pair::subscribed();
        pair.tell_server(&server::Input::Close(code));
        pair.settle();
        let is_closed = pair.client.state() == ClientState::Closed(code);
        assert_eq!(!is_closed, comes_back, "{code}");
    }
}

#[test]
fn a_client_that_is_sent_away_goes_within_the_range_and_resumes() {
    let (mut pair, _) = Pair::subscribed();
    let (min, max) = (Duration::from_secs(3), Duration::from_secs(4));
    let before = pair.attempt;
    pair.tell_server(&server::Input::GoAway(min, max));
    pair.settle();
    pair.pass(min - Duration::from_nanos(1));
    assert_eq!(pair.attempt, before, "not before the shortest wait");
    pair.say("meanwhile");
    pair.settle();
    pair.pass(max - min + Duration::from_nanos(1));
    assert!(pair.attempt > before, "not after the longest");
    pair.settle();
    pair.say("afterwards");
    pair.settle();
    assert_eq!(pair.heard(), ["meanwhile", "afterwards"]);
}

#[test]
fn the_outbox_takes_up_to_its_limits_and_gives_the_next_one_back() {
    for (limits, fits) in [
        (
            OutboxLimits {
                max_publishes: 3,
                max_bytes: 1000,
            },
            3,
        ),
        (
            OutboxLimits {
                max_publishes: 1000,
                max_bytes: 20,
            },
            2,
        ),
        (
            OutboxLimits {
                max_publishes: 1000,
                max_bytes: 29,
            },
            2,
        ),
        (
            OutboxLimits {
                max_publishes: 1000,
                max_bytes: 30,
            },
            3,
        ),
    ] {
        let mut client = Client::new(
            START,
            Settings {
                outbox: limits,
                ..Settings::default()
            },
            1,
        );
        for _ in 0..fits {
            assert!(client.publish(START, room(), text("0123456789"), None).is_ok());
        }
        let refused = client.publish(START, room(), text("0123456789"), None);
        assert_eq!(refused, Err(text("0123456789")), "{limits:?}");
    }
}

#[test]
fn an_answer_makes_room_in_the_outbox() {
    let outbox = OutboxLimits {
        max_publishes: 1,
        max_bytes: 10,
    };
    let settings = Settings {
        outbox,
        ..Settings::default()
    };
    let mut pair = Pair::with(settings, server::Settings::default(), Retention::default());
    pair.tell(client::Input::Connect);
    pair.settle();
    for _ in 0..5 {
        pair.publish("0123456789");
        pair.settle();
    }
    assert_eq!(pair.log.head().offset.0, 5);
}

#[test]
fn what_was_not_sent_in_time_is_given_back_and_what_was_sent_is_not() {
    let ttl = Duration::from_secs(5);
    let (mut pair, _) = Pair::subscribed();
    let sent = pair
        .client
        .publish(pair.now, room(), text("sent"), Some(ttl))
        .expect("room");
    pair.drive_client();
    pair.cut(true);
    pair.tell(client::Input::Offline);
    let unsent = pair
        .client
        .publish(pair.now, room(), text("unsent"), Some(ttl))
        .expect("room");
    pair.pass(ttl - Duration::from_nanos(1));
    let failed = |pair: &Pair, id| {
        pair.events
            .iter()
            .any(|event| matches!(event, Event::PublishFailed(it, PublishError::Expired, _) if *it == id))
    };
    assert!(!failed(&pair, unsent));
    pair.pass(Duration::from_nanos(1));
    assert!(failed(&pair, unsent) && !failed(&pair, sent));
    pair.tell(client::Input::Online);
    pair.settle();
    assert_eq!(pair.heard(), ["sent"]);
}

#[test]
fn no_more_publishes_are_sent_than_may_wait_for_an_answer() {
    let mut settings = server::Settings::default();
    settings.terms.max_unanswered = 2;
    let mut pair = Pair::with(Settings::default(), settings, Retention::default());
    pair.tell(client::Input::Connect);
    pair.settle();
    for text in ["a", "b", "c", "d", "e"] {
        pair.publish(text);
    }
    assert_eq!((pair.to_server.len(), pair.client.unanswered()), (2, 5));
    pair.settle();
    assert_eq!((pair.log.head().offset.0, pair.client.unanswered()), (5, 0));
}

#[test]
fn a_room_is_subscribed_to_once_at_a_time() {
    let (mut pair, id) = Pair::subscribed();
    assert_eq!(pair.client.subscribe(pair.now, room(), Start::Now, false), None);
    pair.client.unsubscribe(pair.now, id);
    assert!(pair.client.subscribe(pair.now, room(), Start::Now, false).is_some());
}

#[test]
fn closing_gives_back_what_was_not_answered_and_ends_the_session() {
    let (mut pair, _) = Pair::subscribed();
    pair.publish("sent");
    pair.tell(client::Input::Close);
    assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::NORMAL));
    assert!(
        pair.events
            .iter()
            .any(|it| matches!(it, Event::PublishFailed(_, PublishError::Unconfirmed, _)))
    );
    assert_eq!(pair.client.publish(pair.now, room(), text("x"), None), Err(text("x")));
    pair.client.handle_input(pair.now, client::Input::Connect);
    pair.client.handle_input(pair.now, client::Input::Online);
    assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::NORMAL), "for good");
}

#[test]
fn a_signal_without_a_connection_is_dropped_and_says_so() {
    let (mut pair, _) = Pair::subscribed();
    assert!(pair.client.signal(pair.now, &room(), &text("typing")));
    pair.drive_client();
    pair.cut(true);
    assert!(!pair.client.signal(pair.now, &room(), &text("typing")));
}

#[test]
fn a_silent_server_is_asked_and_then_given_up() {
    let (mut pair, _) = Pair::subscribed();
    // Half a ping interval more than the server takes, then the time for an answer.
    let patience = pair.settings.terms.ping_interval * 3 / 2 + Settings::default().probe_timeout;
    let before = pair.attempt;
    pair.connections.clear();
    pair.pass(patience - Duration::from_nanos(1));
    assert_eq!(pair.attempt, before);
    pair.pass(Duration::from_nanos(1));
    assert!(pair.attempt > before, "it connects again at once");
}

#[test]
fn a_server_that_breaks_the_protocol_is_left() {
    for (fault, batch) in [
        ("not a frame", &[0x43, 9][..]),
        ("a message with a hole before it", &[0x44, 3, 1, 9, 0]),
        (
            "a gap that is not next",
            &[0x46, 12, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 20],
        ),
        ("a gap that goes back", &[0x46, 12, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        (
            "a second welcome",
            &[
                0x40, 26, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, b'm', 0, 1, 1, 1, 0, 1, 1, 1,
            ],
        ),
    ] {
        let (mut pair, _) = Pair::subscribed();
        let attempt = pair.attempt.expect("a transport");
        pair.tell(client::Input::Received(attempt, batch));
        assert_ne!(pair.attempt, Some(attempt), "{fault}");
    }
}

#[test]
fn a_paused_subscription_costs_nothing_and_goes_on_where_it_was() {
    let (mut pair, id) = Pair::subscribed();
    pair.say("one");
    pair.settle();
    pair.client.pause(pair.now, id);
    pair.say("on its way");
    pair.drive_client();
    pair.settle();
    assert_eq!(pair.heard(), ["one"]);
    pair.client.resume(pair.now, id);
    pair.drive_client();
    pair.settle();
    assert_eq!(pair.heard(), ["on its way"]);
    pair.say("after");
    pair.settle();
    assert_eq!(pair.heard(), ["after"]);
}

#[test]
fn a_subscription_that_is_paused_when_the_transport_is_cut_stays_paused() {
    let (mut pair, id) = Pair::subscribed();
    pair.client.pause(pair.now, id);
    pair.drive_client();
    pair.settle();
    pair.cut(true);
    pair.say("while away");
    pair.reconnect();
    assert_eq!(pair.heard(), [""; 0]);
    pair.client.resume(pair.now, id);
    pair.drive_client();
    pair.settle();
    assert_eq!(pair.heard(), ["while away"]);
}

#[test]
fn messages_evicted_during_a_pause_are_one_gap() {
    let retention = Retention {
        max_messages: 2,
        ..Retention::default()
    };
    let mut pair = Pair::with(Settings::default(), server::Settings::default(), retention);
    let id = pair.subscribe(Start::Now);
    pair.tell(client::Input::Connect);
    pair.settle();
    pair.client.pause(pair.now, id);
    pair.drive_client();
    for said in ["1", "2", "3", "4"] {
        pair.say(said);
    }
    pair.settle();
    assert_eq!(pair.heard(), [""; 0]);
    pair.client.resume(pair.now, id);
    pair.drive_client();
    pair.settle();
    assert_eq!(pair.heard(), ["Evicted 1..2", "3", "4"]);
}

#[test]
fn to_resume_what_is_not_paused_asks_for_nothing_twice() {
    let (mut pair, id) = Pair::subscribed();
    pair.client.resume(pair.now, id);
    assert_eq!(outputs(&mut pair.client), []);
    pair.client.pause(pair.now, id);
    pair.client.pause(pair.now, id);
    pair.client.unsubscribe(pair.now, id);
    let sent: Vec<_> = outputs(&mut pair.client);
    let [Output::Send(_, batch)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(batch, &encoded(&[ClientFrame::Unsubscribe { request: Request(1) }]));
}

#[test]
fn a_round_trip_is_timed_from_the_ping_to_its_own_pong() {
    let (mut pair, _) = Pair::subscribed();
    assert!(pair.client.ping(pair.now));
    pair.drive_client();
    pair.now = pair.now + Duration::from_millis(30);
    // The answer to a sign of life that was asked for beside it is another.
    pair.tell(client::Input::Wake);
    let attempt = pair.attempt.expect("a transport");
    let mut other = Vec::new();
    ServerFrame::Pong(Nonce(0)).encode(&mut other);
    pair.tell(client::Input::Received(attempt, &other));
    assert_eq!(pair.events, []);
    pair.settle();
    assert_eq!(pair.events, [Event::RoundTrip(Duration::from_millis(30))]);
    assert!(pair.client.ping(pair.now));
    pair.drive_client();
    pair.settle();
    assert_eq!(pair.events[1..], [Event::RoundTrip(Duration::ZERO)]);
    pair.cut(true);
    pair.tell(client::Input::Offline);
    assert!(!pair.client.ping(pair.now), "there is no connection to ask on");
}

#[test]
fn a_session_is_told_by_its_public_id_and_what_became_of_it() {
    let mut pair = Pair::new();
    assert_eq!(pair.client.member(), None);
    pair.tell(client::Input::Connect);
    pair.settle();
    pair.cut(true);
    pair.reconnect();
    pair.lose_log();
    pair.reconnect();
    let outcomes = pair.events.iter().filter_map(|event| match event {
        Event::Opened { outcome, member } => Some((*outcome, member.as_str())),
        _ => None,
    });
    let expected = [
        (Outcome::New, "me"),
        (Outcome::Resumed, "me"),
        (Outcome::Replaced, "me"),
    ];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!(pair.client.member().map(MemberId::as_str), Some("me"));
}

#[test]
fn an_event_names_the_subscription_that_it_is_about() {
    let mut pair = Pair::new();
    let id = pair.subscribe(Start::Now);
    pair.tell(client::Input::Connect);
    pair.settle();
    pair.say("one");
    pair.settle();
    let told = pair.events.iter().map(|event| {
        let is_of_it = matches!(event, Event::Subscribed(..) | Event::Message { .. });
        (event.subscription(), is_of_it.then_some(id))
    });
    let (named, expected): (Vec<_>, Vec<_>) = told.unzip();
    assert_eq!(named, expected);
    assert_eq!(named.iter().flatten().count(), 2, "{:?}", pair.events);
}

#[test]
fn a_hello_says_which_answers_the_server_may_forget() {
    let mut pair = Pair::new();
    pair.tell(client::Input::Connect);
    pair.settle();
    for said in ["one", "two"] {
        pair.publish(said);
    }
    pair.settle();
    pair.publish("its answer is cut off");
    pair.cut(true);
    pair.tell(client::Input::Wake);
    let hello = pair.to_server.pop_front().expect("a hello");
    let Some(Ok(ClientFrame::Hello(hello))) = decode(&hello).next() else {
        panic!("{hello:?}")
    };
    assert_eq!(hello.answered, Sequence(2));
}

#[test]
fn the_sender_of_each_message_is_told_whoever_sent_the_one_before() {
    let (mut pair, _) = Pair::subscribed();
    let senders = ["ann", "ann", "", "ann", "bob", "", ""];
    for sender in senders {
        pair.log.append(pair.now, sender, Payload::Text("said"));
    }
    pair.settle();
    let heard = pair.events.iter().filter_map(|event| match event {
        Event::Message { sender, .. } => Some(sender.as_ref().map_or("", MemberId::as_str)),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), senders);
}

fn encoded(frames: &[ClientFrame<'_>]) -> Vec<u8> {
    let mut batch = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut batch));
    batch
}

#[test]
fn what_a_stream_says_out_of_turn_ends_it() {
    let mut ping = Vec::new();
    ServerFrame::Ping(Nonce(1)).encode(&mut ping);
    let mut pong = Vec::new();
    ServerFrame::Pong(Nonce(1)).encode(&mut pong);
    let welcomed = |outcome| crate::climbing::welcome(outcome);
    // Before it is open,
    let mut client = connecting(Settings::default(), 1);
    client.handle_input(START, client::Input::Received(Attempt(1), &ping));
    assert!(matches!(client.state(), ClientState::Waiting(_)));
    // before the welcome,
    let mut client = connecting(Settings::default(), 1);
    client.handle_input(START, client::Input::Opened(Attempt(1)));
    client.handle_input(START, client::Input::Received(Attempt(1), &pong));
    assert!(matches!(client.state(), ClientState::Waiting(_)));
    // and a welcome after that.
    let mut client = connecting(Settings::default(), 1);
    client.handle_input(START, client::Input::Opened(Attempt(1)));
    client.handle_input(START, client::Input::Received(Attempt(1), &welcomed(Outcome::New)));
    assert_eq!(client.state(), ClientState::Open);
    client.handle_input(START, client::Input::Received(Attempt(1), &welcomed(Outcome::Resumed)));
    assert!(matches!(client.state(), ClientState::Waiting(_)));
}
