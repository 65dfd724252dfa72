//! The kinds of transport that a user chooses while a client has a session.

use std::time::Duration;

use tidewire_protocol::{
    client::{Attempt, ClientState, Input, Output, TransportKind},
    frame::Outcome,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::climbing::{CLIMB_AFTER, Climber, connects, welcome};

const STREAM: TransportKind = TransportKind::Stream;
const POLLS: TransportKind = TransportKind::Polls;

#[test]
fn what_is_not_among_them_is_left_for_the_first_at_once() {
    let mut climber = Climber::polling();
    let wanted = climber.chooses(&[STREAM]);
    assert!(wanted.contains(&Output::Disconnect(Attempt(3))), "{wanted:?}");
    assert_eq!(connects(&wanted), [(Attempt(4), 0)]);
    assert_eq!(climber.client.kind(0), STREAM);
    climber.tell(Input::Opened(Attempt(4)));
    climber.tell(Input::Received(Attempt(4), &welcome(Outcome::Resumed)));
    assert_eq!(climber.client.transport(), Some(STREAM));
    let wanted = climber.chooses(&[POLLS]);
    assert!(wanted.contains(&Output::Disconnect(Attempt(4))), "{wanted:?}");
    assert_eq!(connects(&wanted), [(Attempt(5), 0)]);
    climber.tell(Input::Received(Attempt(5), &welcome(Outcome::Resumed)));
    assert_eq!(climber.client.transport(), Some(POLLS));
}

#[test]
fn what_is_among_them_stays_under_its_new_place() {
    let mut climber = Climber::polling();
    assert_eq!(climber.chooses(&[POLLS]), []);
    assert_eq!(climber.client.transport(), Some(POLLS));
    assert_eq!(climber.after(10 * CLIMB_AFTER), [], "there is nothing to move up to");
    let wanted = climber.tell(Input::Received(Attempt(3), &welcome(Outcome::Resumed)));
    assert_eq!(connects(&wanted), [(Attempt(4), 0)]);
    assert_eq!(climber.chooses(&[POLLS, STREAM]), []);
    assert_eq!(climber.after(10 * CLIMB_AFTER), [], "it is where it would be");
}

#[test]
fn who_may_have_a_stream_again_tries_one_at_once() {
    let mut climber = Climber::polling();
    climber.chooses(&[POLLS]);
    let wanted = climber.chooses(&[STREAM, POLLS]);
    assert_eq!(wanted, [Output::Connect(Attempt(4), 0)]);
    assert_eq!(climber.client.state(), ClientState::Open);
    // In vain: then as often as otherwise.
    climber.tell(Input::Lost(Attempt(4), None));
    assert_eq!(climber.after(2 * CLIMB_AFTER - Duration::from_nanos(1)), []);
    assert_eq!(connects(&climber.after(Duration::from_nanos(1))), [(Attempt(5), 0)]);
}

#[test]
fn a_stream_on_its_way_is_given_up_where_it_is_not_wanted() {
    let (mut climber, stream) = Climber::climbing();
    assert_eq!(climber.chooses(&[POLLS]), [Output::Disconnect(stream)]);
    assert_eq!(climber.tell(Input::Opened(stream)), []);
    let (mut climber, stream) = Climber::climbing();
    climber.tell(Input::Opened(stream));
    let wanted = climber.chooses(&[POLLS]);
    assert!(wanted.contains(&Output::Disconnect(stream)), "{wanted:?}");
    let [(poll, 0)] = connects(&wanted)[..] else {
        panic!("{wanted:?}");
    };
    climber.tell(Input::Received(poll, &welcome(Outcome::Resumed)));
    assert_eq!(climber.client.transport(), Some(POLLS));
}

#[test]
fn who_waits_connects_at_once_and_who_is_to_stay_away_does_not() {
    let mut climber = Climber::polling();
    climber.tell(Input::Lost(Attempt(3), None));
    assert!(matches!(climber.client.state(), ClientState::Waiting(_)));
    assert_eq!(connects(&climber.chooses(&[STREAM])), [(Attempt(4), 0)]);
    // And who connects by one, by another.
    let wanted = climber.chooses(&[POLLS]);
    assert!(wanted.contains(&Output::Disconnect(Attempt(4))), "{wanted:?}");
    assert_eq!(connects(&wanted), [(Attempt(5), 0)]);
    climber.tell(Input::Suspend);
    assert_eq!(climber.chooses(&[STREAM]), []);
    assert_eq!(connects(&climber.tell(Input::Wake)), [(Attempt(6), 0)]);
    climber.tell(Input::Close);
    assert_eq!(climber.chooses(&[POLLS]), []);
}

#[test]
fn no_kinds_change_nothing() {
    let mut climber = Climber::polling();
    assert_eq!(climber.chooses(&[]), []);
    assert_eq!(climber.client.transports(), [STREAM, POLLS]);
    assert_eq!(connects(&climber.after(CLIMB_AFTER)), [(Attempt(4), 0)]);
}
