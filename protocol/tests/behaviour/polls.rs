//! A poll as the server's machine sees it: what it does with the batch, and when its answer is due.

use std::time::Duration;

use tidewire_protocol::{
    Attached, CloseCode, Cursor, Epoch, Log, Offset, Position, Request, Retention, RoomNumber, Sequence,
    frame::{
        ClientFrame, Close, Hello, Nonce, Outcome, Payload, PresenceWanted, Publish, RefusalCode, ServerFrame, Start,
        Subscribe, Token, VERSION,
    },
    server::{Action, Connection, Input},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::server::{SESSION, START, attached, closed_with, deadline, encoded, just_before, outputs, settings};

const POSITION: Position = Position {
    epoch: Epoch(1),
    offset: Offset(5),
};

fn hello() -> ClientFrame<'static> {
    ClientFrame::Hello(Hello {
        version: VERSION,
        attempt: 2,
        session: Some(SESSION),
        answered: Sequence(0),
        token: Token(b""),
    })
}

fn subscribe(start: Start) -> ClientFrame<'static> {
    ClientFrame::Subscribe(Subscribe {
        request: Request(1),
        start,
        presence: PresenceWanted::Nothing,
        room: "lobby",
    })
}

fn of(outcome: Outcome) -> Attached {
    Attached { outcome, ..attached() }
}

fn log() -> Log {
    Log::starting_after(RoomNumber(1), POSITION, Retention::default())
}

fn opened(log: &Log, start: Start) -> Result<(RoomNumber, Cursor), RefusalCode> {
    Ok((log.room(), log.cursor(start)))
}

/// A poll that said hello and these frames, and was attached.
fn polled(rest: &[ClientFrame<'_>], outcome: Outcome) -> Connection {
    let mut poll = Connection::new(START, settings());
    let batch = encoded(&[&[hello()], rest].concat());
    poll.handle_input(START, Input::Polled(batch));
    let (sent, actions) = outputs(&mut poll);
    assert!(sent.is_empty() && matches!(actions[..], [Action::Attach { .. }]));
    poll.handle_input(START, Input::Attached(&of(outcome), Duration::ZERO));
    poll
}

/// One whose session goes on and whose subscription has begun where it was asked to.
fn waiting() -> Connection {
    let mut poll = polled(&[subscribe(Start::After(POSITION))], Outcome::Resumed);
    let begun = Input::Subscribed(Request(1), opened(&log(), Start::After(POSITION)));
    poll.handle_input(START, begun);
    let (sent, _) = outputs(&mut poll);
    assert_eq!(sent.len(), 2, "a welcome and where it begins: {sent:?}");
    assert!(!poll.is_answer_due());
    poll
}

#[test]
fn a_poll_that_gets_only_what_it_asked_for_waits_for_a_message() {
    let mut poll = waiting();
    let mut log = log();
    assert!(poll.poll_room(&mut log, 1000).is_empty());
    assert!(!poll.is_answer_due());
    log.append(START, "bob", Payload::Text("news"));
    assert_eq!(poll.poll_room(&mut log, 1000).count(), 1);
    assert!(poll.is_answer_due());
}

#[test]
fn a_poll_is_answered_by_whatever_its_client_does_not_know() {
    for input in [
        Input::Answered(Sequence(1), Ok(POSITION)),
        Input::Answered(Sequence(1), Err(RefusalCode::UNAVAILABLE)),
        Input::GoAway(Duration::ZERO, Duration::ZERO),
        Input::Authenticated(Duration::ZERO),
        Input::Close(CloseCode::TAKEN_OVER),
    ] {
        let mut poll = waiting();
        poll.handle_input(START, input.clone());
        assert!(poll.is_answer_due(), "{input:?}");
    }
    let mut poll = waiting();
    poll.handle_beside();
    assert!(poll.is_answer_due());
    for frame in [
        ClientFrame::Ping(Nonce(1)),
        ClientFrame::Unsubscribe { request: Request(7) },
        ClientFrame::Close(Close {
            code: CloseCode::GOING_AWAY,
            reason: "",
        }),
    ] {
        assert!(polled(&[frame], Outcome::Resumed).is_answer_due(), "{frame:?}");
    }
    assert!(!polled(&[ClientFrame::Pong(Nonce(1))], Outcome::Resumed).is_answer_due());
}

fn publish(sequence: u64) -> ClientFrame<'static> {
    ClientFrame::Publish(Publish {
        sequence: Sequence(sequence),
        room: "lobby",
        payload: Payload::Text("x"),
    })
}

#[test]
fn a_poll_that_publishes_is_answered_once_all_of_it_is_whatever_else_there_is() {
    let mut poll = polled(&[publish(3), publish(4)], Outcome::Resumed);
    poll.handle_beside();
    assert!(!poll.is_answer_due());
    poll.handle_input(START, Input::Answered(Sequence(3), Ok(POSITION)));
    assert!(!poll.is_answer_due());
    poll.handle_input(START, Input::Answered(Sequence(4), Ok(POSITION)));
    assert!(poll.is_answer_due());
    let mut poll = polled(&[publish(3)], Outcome::New);
    assert!(!poll.is_answer_due());
    poll.handle_input(START, Input::Close(CloseCode::TAKEN_OVER));
    assert!(poll.is_answer_due(), "what is over is over");
}

#[test]
fn a_poll_whose_publish_is_not_answered_for_a_ping_interval_is_answered_all_the_same() {
    let mut poll = polled(&[publish(3)], Outcome::New);
    let at = deadline(&mut poll).expect("a deadline");
    assert_eq!(at, START + settings().terms.ping_interval);
    poll.handle_input(just_before(at), Input::Timeout);
    assert!(!poll.is_answer_due());
    poll.handle_input(at, Input::Timeout);
    assert!(poll.is_answer_due() && !poll.is_closed());
    assert_eq!(deadline(&mut poll), None);
}

#[test]
fn a_gap_is_news() {
    let mut log = Log::new(RoomNumber(1), Epoch(2), Retention::default());
    let mut poll = polled(&[subscribe(Start::After(POSITION))], Outcome::Resumed);
    let begun = opened(&log, Start::After(POSITION));
    poll.handle_input(START, Input::Subscribed(Request(1), begun));
    assert!(!poll.is_answer_due());
    assert!(poll.poll_room(&mut log, 1000).is_empty());
    assert!(poll.is_answer_due());
}

#[test]
fn where_a_subscription_begins_is_news_unless_it_was_said() {
    let elsewhere = Position {
        offset: POSITION.offset.next(),
        ..POSITION
    };
    for (start, is_news) in [
        (Start::Now, true),
        (Start::Last(0), true),
        (Start::After(POSITION), false),
        (Start::After(elsewhere), true),
    ] {
        let mut poll = polled(&[subscribe(start)], Outcome::Resumed);
        assert!(!poll.is_answer_due(), "the room is being opened");
        let begun = opened(&log(), Start::After(POSITION));
        poll.handle_input(START, Input::Subscribed(Request(1), begun));
        assert_eq!(poll.is_answer_due(), is_news, "{start:?}");
    }
    let mut poll = polled(&[subscribe(Start::After(POSITION))], Outcome::Resumed);
    let refused = Input::Subscribed(Request(1), Err(RefusalCode::UNAVAILABLE));
    poll.handle_input(START, refused);
    assert!(poll.is_answer_due());
}

#[test]
fn answers_that_the_client_may_not_have_come_with_the_welcome_and_are_news() {
    let mut poll = Connection::new(START, settings());
    poll.handle_input(START, Input::Polled(encoded(&[hello()])));
    let answers = vec![(Sequence(1), Ok(POSITION))];
    let attached = Attached {
        answers,
        ..of(Outcome::Resumed)
    };
    poll.handle_input(START, Input::Attached(&attached, Duration::ZERO));
    assert!(poll.is_answer_due());
}

#[test]
fn what_a_poll_says_is_handled_in_a_new_session_and_in_its_own_but_in_no_other() {
    for (outcome, is_news, is_handled) in [
        (Outcome::New, true, true),
        (Outcome::Resumed, false, true),
        (Outcome::Replaced, true, false),
    ] {
        let mut poll = polled(&[subscribe(Start::Now)], outcome);
        assert_eq!(poll.is_answer_due(), is_news, "{outcome:?}");
        let (sent, actions) = outputs(&mut poll);
        assert_eq!(sent.len(), 1, "{outcome:?}");
        assert_eq!(!actions.is_empty(), is_handled, "{outcome:?}");
    }
}

#[test]
fn a_poll_that_may_not_have_its_session_is_closed_and_nothing_of_it_handled() {
    let mut poll = Connection::new(START, settings());
    let batch = encoded(&[hello(), subscribe(Start::Now)]);
    poll.handle_input(START, Input::Polled(batch));
    outputs(&mut poll);
    poll.handle_input(START, Input::Close(CloseCode::TAKEN_OVER));
    assert!(poll.is_answer_due());
    assert_eq!(outputs(&mut poll).1, [Action::Close(CloseCode::TAKEN_OVER)]);
    poll.handle_input(START, Input::Attached(&attached(), Duration::ZERO));
    assert_eq!(outputs(&mut poll), (vec![], vec![]));
}

#[test]
fn a_poll_begins_with_hello() {
    for batch in [
        encoded(&[]),
        encoded(&[subscribe(Start::Now)]),
        encoded(&[ClientFrame::Ping(Nonce(1)), hello()]),
        vec![0x10, 0xff],
    ] {
        let mut poll = Connection::new(START, settings());
        poll.handle_input(START, Input::Polled(batch));
        assert!(poll.is_answer_due());
        assert_eq!(closed_with(&mut poll), Some(CloseCode::PROTOCOL_ERROR));
    }
    let mut poll = polled(&[hello()], Outcome::Resumed);
    assert_eq!(closed_with(&mut poll), Some(CloseCode::PROTOCOL_ERROR), "a second one");
    let mut poll = Connection::new(START, settings());
    let batch = [encoded(&[hello(), ClientFrame::Ping(Nonce(4))]), vec![0x13, 5]].concat();
    poll.handle_input(START, Input::Polled(batch));
    poll.handle_input(START, Input::Attached(&of(Outcome::Resumed), Duration::ZERO));
    let (sent, _) = outputs(&mut poll);
    assert_eq!(sent.len(), 3, "what came before the bad frame was handled: {sent:?}");
    assert!(poll.is_closed());
}

#[test]
fn a_poll_waits_for_a_ping_interval_and_is_answered_by_a_ping() {
    let limit = START + settings().terms.ping_interval;
    let mut poll = Connection::new(START, settings());
    let later = START + Duration::from_secs(1);
    poll.handle_input(START, Input::Polled(encoded(&[hello()])));
    // What the server was busy with before is part of the wait.
    poll.handle_input(later, Input::Attached(&of(Outcome::Resumed), Duration::ZERO));
    assert_eq!(deadline(&mut poll), Some(limit));
    poll.handle_input(just_before(limit), Input::Timeout);
    assert!(!poll.is_answer_due());
    poll.handle_input(limit, Input::Timeout);
    assert!(poll.is_answer_due());
    let ping = format!("{:?}", ServerFrame::Ping(Nonce(0)));
    assert_eq!(outputs(&mut poll).0, [ping]);
    assert_eq!(deadline(&mut poll), None);
    let silence = START + settings().terms.silence_timeout;
    poll.handle_input(silence, Input::Timeout);
    assert_eq!(outputs(&mut poll), (vec![], vec![]), "who polls owes nothing more");
}

#[test]
fn a_poll_keeps_to_its_token_and_does_not_wait_for_a_session_for_ever() {
    let ttl = settings().terms.ping_interval / 2;
    let mut poll = Connection::new(START, settings());
    poll.handle_input(START, Input::Polled(encoded(&[hello()])));
    let limit = START + settings().terms.ping_interval;
    assert_eq!(deadline(&mut poll), Some(limit));
    poll.handle_input(limit, Input::Timeout);
    assert_eq!(closed_with(&mut poll), Some(CloseCode::TRY_AGAIN_LATER));
    let mut poll = Connection::new(START, settings());
    poll.handle_input(START, Input::Polled(encoded(&[hello()])));
    poll.handle_input(START, Input::Attached(&of(Outcome::Resumed), ttl));
    assert_eq!(deadline(&mut poll), Some(START + ttl));
    poll.handle_input(START + ttl, Input::Timeout);
    assert_eq!(closed_with(&mut poll), Some(CloseCode::TOKEN_EXPIRED));
}

#[test]
fn a_connection_that_is_no_poll_is_never_due() {
    let mut connection = Connection::new(START, settings());
    connection.handle_input(START, Input::Received(&encoded(&[hello()])));
    connection.handle_input(START, Input::Polled(encoded(&[hello()])));
    assert!(!connection.is_poll(), "only the first input can be a poll");
    connection.handle_input(START, Input::Attached(&attached(), Duration::ZERO));
    connection.handle_beside();
    connection.handle_input(START, Input::Close(CloseCode::GOING_AWAY));
    assert!(!connection.is_answer_due());
}
