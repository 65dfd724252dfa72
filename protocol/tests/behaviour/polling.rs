//! The client's side over polls: what each says, when the next begins, and what may take its place.

use std::time::Duration;

use crate::pair::{Pair, room};
use tidewire_protocol::{
    CloseCode, Epoch, Frame as _, MemberId, Members, Offset, OwnedPayload, Position, PresenceDigest, Request,
    RoomNumber, Sequence, SessionId,
    client::{Attempt, ClientState, Event, Input, Output, TransportKind},
    decode,
    frame::{ClientFrame, Nonce, Outcome, PresenceWanted, ServerFrame, Start, Subscribed, Terms, Welcome},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn polling() -> Pair {
    let (mut pair, _) = Pair::subscribed_by(TransportKind::Polls);
    // The first poll after the welcome has been sent, and waits.
    assert!(!pair.deliver_to_client() && !pair.deliver_to_server());
    pair
}

/// The frames of the one batch that is on its way to the server, by their names.
fn said(pair: &mut Pair) -> Vec<String> {
    assert_eq!(pair.to_server.len(), 1);
    let names = decode::<ClientFrame<'_>>(&pair.to_server[0]).map(|frame| {
        let frame = format!("{:?}", frame.expect("a good frame"));
        frame.split(['(', ' ']).next().unwrap_or_default().to_owned()
    });
    names.collect()
}

#[test]
fn the_first_poll_asks_for_an_answer_and_those_after_it_wait() {
    let mut pair = Pair::by(TransportKind::Polls);
    pair.subscribe(Start::Now);
    pair.publish("for whichever session it is");
    pair.tell(Input::Connect);
    assert_eq!(said(&mut pair), ["Hello", "Subscribe", "Ping"]);
    assert_eq!(pair.client.state(), ClientState::Connecting);
    while pair.deliver_to_server() {}
    assert!(pair.deliver_to_client());
    assert_eq!(said(&mut pair), ["Hello", "Subscribe", "Publish"]);
    assert_eq!(pair.client.state(), ClientState::Open);
    while pair.deliver_to_server() {}
    assert!(pair.deliver_to_client());
    assert_eq!(said(&mut pair), ["Hello", "Subscribe"]);
}

#[test]
fn polls_that_follow_one_another_are_one_open_connection() {
    let mut pair = polling();
    let before = pair.attempt;
    for text in ["one", "two", "three"] {
        pair.say(text);
        pair.settle();
    }
    pair.pass(Duration::from_secs(600));
    assert!(pair.attempt > before);
    let all: Vec<_> = std::mem::take(&mut pair.events);
    let is_message = |event: &Event| matches!(event, Event::Message { .. });
    assert!(all.len() == 3 && all.iter().all(is_message), "{all:?}");
}

#[test]
fn an_idle_client_polls_once_a_ping_interval() {
    let mut pair = polling();
    let before = pair.attempt.expect("a poll");
    pair.pass(pair.settings.terms.ping_interval * 10);
    assert_eq!(pair.attempt, Some(Attempt(before.0 + 10)));
}

#[test]
fn what_is_new_takes_the_place_of_a_poll_that_only_waits() {
    let mut pair = polling();
    let before = pair.attempt.expect("a poll");
    pair.publish("new");
    assert_eq!(pair.attempt, Some(Attempt(before.0 + 1)));
    assert_eq!(said(&mut pair), ["Hello", "Subscribe", "Publish"]);
    pair.settle();
    assert_eq!(pair.heard(), ["new"]);
    assert_eq!(pair.client.unanswered(), 0);
}

#[test]
fn what_is_new_while_publishes_are_on_their_way_goes_together_when_they_are_answered() {
    let mut pair = polling();
    for text in ["first", "second", "third"] {
        pair.publish(text);
    }
    assert!(
        pair.client
            .signal(pair.now, &room(), &OwnedPayload::Text("typing".into()))
    );
    pair.drive_client();
    assert_eq!(said(&mut pair), ["Hello", "Subscribe", "Publish"]);
    while pair.deliver_to_server() {}
    assert!(pair.deliver_to_client());
    assert_eq!(
        said(&mut pair),
        ["Hello", "Signal", "Subscribe", "Publish", "Publish", "Ping"]
    );
    pair.settle();
    assert_eq!(pair.heard(), ["first", "second", "third"]);
}

#[test]
fn what_a_poll_has_said_is_said_again_until_it_is_answered() {
    let mut pair = polling();
    pair.publish("the engine is slow");
    let attempt = pair.attempt.expect("a poll");
    pair.to_server.clear();
    pair.tell(Input::Received(attempt, &answer(&[])));
    // The next may come to another server, to which the last has passed nothing on.
    assert_eq!(said(&mut pair), ["Hello", "Subscribe", "Publish"]);
    pair.cut(false);
    pair.reconnect();
    assert_eq!(
        (pair.heard(), pair.client.unanswered()),
        (vec!["the engine is slow".to_owned()], 0)
    );
}

/// An answer that a test makes up, to the session of every pair here.
fn answer(frames: &[ServerFrame<'_>]) -> Vec<u8> {
    let welcome = ServerFrame::Welcome(Welcome {
        outcome: Outcome::Resumed,
        session: SessionId([1; 16]),
        member: "me",
        settled: Sequence(0),
        terms: Terms::default(),
    });
    let mut batch = Vec::new();
    welcome.encode(&mut batch);
    frames.iter().for_each(|frame| frame.encode(&mut batch));
    batch
}

/// The subscription of the poll that is on its way.
fn subscription(pair: &Pair) -> (Request, PresenceWanted) {
    let found = decode(&pair.to_server[0]).find_map(|frame| match frame {
        Ok(ClientFrame::Subscribe(subscribe)) => Some((subscribe.request, subscribe.presence)),
        _ => None,
    });
    found.expect("a subscription")
}

#[test]
fn an_answer_without_a_welcome_is_a_failed_poll() {
    let mut pong = Vec::new();
    ServerFrame::Pong(Nonce(1)).encode(&mut pong);
    for batch in [&[][..], &pong, b"<html>"] {
        let mut pair = polling();
        let attempt = pair.attempt.expect("a poll");
        pair.tell(Input::Received(attempt, batch));
        assert_ne!(pair.client.state(), ClientState::Open, "{batch:?}");
        let mut pair = Pair::by(TransportKind::Polls);
        pair.tell(Input::Connect);
        pair.tell(Input::Received(Attempt(1), batch));
        assert!(matches!(pair.client.state(), ClientState::Waiting(_)), "{batch:?}");
    }
}

#[test]
fn a_subscription_that_does_not_go_on_where_it_was_is_a_fault_of_the_server() {
    let mut pair = polling();
    let attempt = pair.attempt.expect("a poll");
    let elsewhere = ServerFrame::Subscribed(Subscribed {
        request: Request(2),
        room: RoomNumber(1),
        position: Position {
            epoch: Epoch(99),
            offset: Offset(7),
        },
    });
    pair.tell(Input::Received(attempt, &answer(&[elsewhere])));
    assert_ne!(pair.client.state(), ClientState::Open);
    pair.reconnect();
    pair.say("it goes on where it was");
    pair.settle();
    assert_eq!(pair.heard(), ["it goes on where it was"]);
}

#[test]
fn a_page_that_wakes_does_not_wait_for_the_poll_under_way() {
    for is_asking in [false, true] {
        let mut pair = polling();
        if is_asking {
            pair.publish("on its way");
        }
        pair.to_server.clear();
        let before = pair.attempt;
        pair.tell(Input::Wake);
        assert!(pair.attempt > before);
        pair.settle();
        pair.pass(Duration::from_secs(10));
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.heard().len(), usize::from(is_asking));
    }
}

#[test]
fn the_round_trip_of_a_poll_is_told() {
    let mut pair = polling();
    assert!(pair.client.ping(pair.now));
    pair.drive_client();
    pair.now = pair.now + Duration::from_millis(30);
    pair.settle();
    assert_eq!(pair.events, [Event::RoundTrip(Duration::from_millis(30))]);
}

#[test]
fn a_farewell_is_a_poll_of_its_own() {
    let mut pair = polling();
    pair.client.handle_input(pair.now, Input::Close);
    let mut outputs = Vec::new();
    while let output = pair.client.poll_output()
        && !matches!(output, Output::Timeout(_))
    {
        outputs.push(output);
    }
    let [
        Output::Disconnect(old),
        Output::Connect(new, 0),
        Output::Send(sent, batch),
        Output::Disconnect(left),
        ..,
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert!(old < new && new == sent && new == left);
    assert!(decode(batch).any(|it| matches!(it, Ok(ClientFrame::Close(close)) if close.code == CloseCode::NORMAL)));
    assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::NORMAL));
}

#[test]
fn a_session_that_was_replaced_between_polls_is_told_and_everything_said_again() {
    let mut pair = polling();
    pair.say("before");
    pair.settle();
    pair.events.clear();
    pair.lose_log();
    pair.settle();
    pair.pass(Duration::from_secs(20));
    pair.say("after");
    pair.settle();
    assert_eq!(pair.heard(), ["LogLost 2..0", "after"]);
}

#[test]
fn a_session_that_is_replaced_as_soon_as_it_began_is_not_polled_for_at_once() {
    let replaced = |number| {
        let mut batch = Vec::new();
        let welcome = ServerFrame::Welcome(Welcome {
            outcome: Outcome::Replaced,
            session: SessionId([number; 16]),
            member: "me",
            settled: Sequence(0),
            terms: Terms::default(),
        });
        welcome.encode(&mut batch);
        batch
    };
    let mut pair = polling();
    let publish = pair.publish("who knows");
    let attempt = pair.attempt.expect("a poll");
    pair.tell(Input::Received(attempt, &replaced(2)));
    assert!(matches!(pair.client.state(), ClientState::Waiting(_)));
    let is_told = |event: &Event| matches!(event, Event::PublishFailed(id, ..) if *id == publish);
    assert!(pair.events.iter().any(is_told), "{:?}", pair.events);
    // One that has lasted for a while may be gone for good reason.
    let mut pair = polling();
    pair.pass(Duration::from_secs(5));
    let attempt = pair.attempt.expect("a poll");
    pair.tell(Input::Received(attempt, &replaced(2)));
    assert_eq!(pair.client.state(), ClientState::Open);
}

#[test]
fn a_poll_says_who_is_known_to_be_there_once_all_were_told() {
    let (mut pair, id) = Pair::subscribed_by(TransportKind::Polls);
    pair.client.unsubscribe(pair.now, id);
    pair.drive_client();
    pair.settle();
    let id = pair.client.subscribe(pair.now, room(), Start::Now, true);
    let id = id.expect("a room not subscribed to");
    pair.drive_client();
    let [ann, bob] = ["ann", "bob"].map(|name| MemberId::new(name).expect("a name"));
    let all: PresenceDigest = [&ann, &bob].into_iter().collect();
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let [one, other] = [Members::write(["ann"], &mut one), Members::write(["bob"], &mut other)];
    let room = RoomNumber(1);
    let list = |more, members| ServerFrame::Present { room, more, members };
    let left = ServerFrame::Left { room, member: "ann" };
    for (frames, wanted, is_told_anew) in [
        (&[][..], PresenceWanted::List, true),
        (&[list(true, one)], PresenceWanted::List, false),
        // The rest of the list was not in the answer, so it begins again.
        (
            &[list(true, one), list(false, other)],
            PresenceWanted::Changes(all),
            true,
        ),
        (&[], PresenceWanted::Changes(all), false),
        (&[left], PresenceWanted::Changes([&bob].into_iter().collect()), false),
        (
            &[list(false, one)],
            PresenceWanted::Changes([&ann].into_iter().collect()),
            false,
        ),
    ] {
        let (request, _) = subscription(&pair);
        pair.to_server.clear();
        let position = pair.log.head();
        let subscribed = ServerFrame::Subscribed(Subscribed {
            request,
            room,
            position,
        });
        let batch = answer(&[&[subscribed], frames].concat());
        pair.tell(Input::Received(pair.attempt.expect("a poll"), &batch));
        assert_eq!(subscription(&pair).1, wanted, "{frames:?}");
        let is_told = pair.events.contains(&Event::Subscribed(id, position));
        assert_eq!(is_told, is_told_anew, "{frames:?}");
        pair.events.clear();
    }
    // Another session, or another transport, is told the whole list.
    pair.cut(false);
    pair.tell(Input::Wake);
    assert_eq!(subscription(&pair).1, PresenceWanted::List);
}
