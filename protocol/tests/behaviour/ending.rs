//! How a server ends: what it has taken is answered before its close, so that the rest can be said again elsewhere.

use std::time::Duration;

use crate::{
    pair::{KINDS, Pair},
    server::{START, attached, closed_with, encoded, outputs, settings},
};
use tidewire_protocol::{
    Attached, CloseCode, Epoch, Frame as _, Offset, Position, Sequence,
    client::{self, Event, PublishError},
    frame::{ClientFrame, Close, Payload, Publish, ServerFrame, Start},
    server::{Action, Connection, Input},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What became of publishes, in the order in which it was told.
fn outcomes(pair: &mut Pair) -> Vec<Result<u64, PublishError>> {
    let events = pair.events.drain(..);
    let outcomes = events.filter_map(|event| match event {
        Event::Published(_, position) => Some(Ok(position.offset.0)),
        Event::PublishFailed(_, why, _) => Some(Err(why)),
        _ => None,
    });
    outcomes.collect()
}

fn said(pair: &mut Pair) -> Vec<String> {
    let mut cursor = pair.log.cursor(Start::Last(100));
    let frames = pair.log.read(&mut cursor, 1 << 20, Offset(u64::MAX));
    let batch = frames
        .chunks()
        .fold(Vec::new(), |batch, chunk| [&batch, &chunk[..]].concat());
    let texts = tidewire_protocol::decode::<ServerFrame<'_>>(&batch).map(|frame| match frame {
        Ok(ServerFrame::Message(message)) => match message.payload {
            Payload::Text(text) => text.to_owned(),
            Payload::Binary(_) => panic!("bytes"),
        },
        other => panic!("{other:?}"),
    });
    texts.collect()
}

#[test]
fn what_a_server_had_not_taken_when_it_ended_is_said_once_in_the_next_session() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.publish("answered");
        pair.settle();
        assert_eq!(outcomes(&mut pair), [Ok(1)], "{kind:?}");
        pair.publish("not taken");
        pair.publish("nor this");
        pair.tell_server(&Input::Finish);
        pair.deliver_to_server();
        pair.tell_server(&Input::Close(CloseCode::GOING_AWAY));
        pair.deliver_to_client();
        pair.lose_log();
        pair.reconnect();
        assert_eq!(outcomes(&mut pair), [Ok(1), Ok(2)], "{kind:?}");
        assert_eq!(said(&mut pair), ["not taken", "nor this"], "{kind:?}");
    }
}

#[test]
fn what_a_server_had_not_taken_when_it_ended_is_said_once_in_the_same_session() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.publish("answered");
        pair.settle();
        pair.publish("not taken");
        pair.tell_server(&Input::Finish);
        pair.deliver_to_server();
        pair.tell_server(&Input::Close(CloseCode::SERVICE_RESTART));
        pair.deliver_to_client();
        pair.reconnect();
        assert_eq!(outcomes(&mut pair), [Ok(1), Ok(2)], "{kind:?}");
        assert_eq!(said(&mut pair), ["answered", "not taken"], "{kind:?}");
    }
}

#[test]
fn where_a_server_does_not_say_so_what_was_sent_is_unconfirmed() {
    for code in [CloseCode::TRY_AGAIN_LATER, CloseCode::INTERNAL_ERROR, CloseCode::SILENT] {
        let (mut pair, _) = Pair::subscribed();
        pair.publish("who knows");
        pair.tell_server(&Input::Close(code));
        pair.settle();
        pair.lose_log();
        pair.reconnect();
        assert_eq!(outcomes(&mut pair), [Err(PublishError::Unconfirmed)], "{code}");
    }
}

#[test]
fn a_close_before_the_welcome_says_nothing_of_what_was_sent_before() {
    let (mut pair, _) = Pair::subscribed();
    pair.publish("taken, and not answered");
    pair.cut(true);
    let attempt = pair.attempt.expect("it tries at once");
    let mut batch = Vec::new();
    let code = CloseCode::GOING_AWAY;
    ServerFrame::Close(Close { code, reason: "" }).encode(&mut batch);
    pair.tell(client::Input::Received(attempt, &batch));
    pair.lose_log();
    pair.reconnect();
    assert_eq!(outcomes(&mut pair), [Err(PublishError::Unconfirmed)]);
}

fn publish(sequence: u64) -> Vec<u8> {
    encoded(&[ClientFrame::Publish(Publish {
        sequence: Sequence(sequence),
        room: "lobby",
        payload: Payload::Text("hi"),
    })])
}

/// A connection whose session has three publishes, two of them answered.
fn open() -> Connection {
    let mut connection = Connection::new(START, settings());
    let hello = super::server::hello();
    connection.handle_input(START, Input::Received(&encoded(&[hello])));
    let attached = Attached {
        taken: Sequence(3),
        settled: Sequence(2),
        ..attached()
    };
    connection.handle_input(START, Input::Attached(&attached, Duration::ZERO));
    outputs(&mut connection);
    connection
}

fn answer(connection: &mut Connection, sequence: u64) {
    let position = Position {
        epoch: Epoch(1),
        offset: Offset(sequence),
    };
    connection.handle_input(START, Input::Answered(Sequence(sequence), Ok(position)));
}

#[test]
fn a_server_says_that_all_is_settled_only_where_it_is() {
    for (answered, code) in [
        (2, CloseCode::TRY_AGAIN_LATER),
        (3, CloseCode::TRY_AGAIN_LATER),
        (4, CloseCode::GOING_AWAY),
    ] {
        let mut connection = open();
        connection.handle_input(START, Input::Received(&publish(4)));
        (3..=answered).for_each(|sequence| answer(&mut connection, sequence));
        assert_eq!(connection.is_settled(), answered == 4, "{answered}");
        connection.handle_input(START, Input::Close(CloseCode::GOING_AWAY));
        assert_eq!(closed_with(&mut connection), Some(code), "{answered}");
    }
}

#[test]
fn an_answer_out_of_turn_settles_nothing() {
    let mut connection = open();
    connection.handle_input(START, Input::Received(&publish(4)));
    answer(&mut connection, 4);
    assert!(!connection.is_settled());
}

#[test]
fn a_server_that_is_about_to_end_takes_no_publish() {
    let mut connection = open();
    connection.handle_input(START, Input::Finish);
    connection.handle_input(START, Input::Received(&publish(4)));
    assert_eq!(outputs(&mut connection).1, []);
    answer(&mut connection, 3);
    assert!(connection.is_settled());
    connection.handle_input(START, Input::Close(CloseCode::SERVICE_RESTART));
    assert_eq!(closed_with(&mut connection), Some(CloseCode::SERVICE_RESTART));
}

#[test]
fn a_publish_that_was_not_taken_is_as_if_it_had_not_come_and_so_are_those_after_it() {
    let mut connection = open();
    connection.handle_input(START, Input::Received(&[publish(4), publish(5)].concat()));
    assert_eq!(outputs(&mut connection).1.len(), 2);
    connection.handle_input(START, Input::NotTaken(Sequence(4)));
    connection.handle_input(START, Input::NotTaken(Sequence(5)));
    connection.handle_input(START, Input::Received(&publish(6)));
    assert_eq!(outputs(&mut connection).1, []);
    assert!(!connection.is_settled(), "the third is still to be answered");
    answer(&mut connection, 3);
    assert!(connection.is_settled());
}

#[test]
fn a_connection_without_a_session_has_nothing_to_settle() {
    let mut connection = Connection::new(START, settings());
    assert!(connection.is_settled());
    connection.handle_input(START, Input::Close(CloseCode::GOING_AWAY));
    assert_eq!(outputs(&mut connection).1, [Action::Close(CloseCode::GOING_AWAY)]);
}
