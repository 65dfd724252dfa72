//! Tokens: when one is asked for, and what becomes of those who have none that is good.

use std::time::Duration;

use crate::pair::{KINDS, Pair, settings};
use tidewire_protocol::{
    CloseCode, Retention,
    client::{ClientState, Event, Input, TokenError, TransportKind},
    frame::Start,
    server,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TIMEOUT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// The longest that a first wait may be.
const BACKOFF: Duration = Duration::from_millis(500);
/// As the state is shown.
const EXPIRED: ClientState = ClientState::Unauthorized(TokenError::Expired);
const FAILED: ClientState = ClientState::Unauthorized(TokenError::Failed);
const TIMED_OUT: ClientState = ClientState::Unauthorized(TokenError::TimedOut);

/// A client that has been told to connect, and has somebody to ask for a token.
fn asking(kind: TransportKind) -> Pair {
    let client = tidewire_protocol::client::Settings {
        token_timeout: Some(TIMEOUT),
        ..settings(kind)
    };
    let mut pair = Pair::with(client, server::Settings::default(), Retention::default());
    pair.subscribe(Start::Now);
    pair.tell(Input::Connect);
    pair.settle();
    pair
}

/// The same, whose first token was given.
fn open(kind: TransportKind, token: &str) -> Pair {
    let mut pair = asking(kind);
    give(&mut pair, token);
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 1));
    pair
}

fn give(pair: &mut Pair, token: &str) {
    pair.tell(Input::Token(Some(token.as_bytes().into())));
    pair.settle();
}

fn fail(pair: &mut Pair) {
    pair.tell(Input::Token(None));
    pair.settle();
}

/// How often a token was asked for since this was called last.
fn asked(pair: &mut Pair) -> usize {
    let asked = pair.events.iter().filter(|it| matches!(it, Event::TokenNeeded)).count();
    pair.events.clear();
    asked
}

#[test]
fn the_first_token_is_asked_for_before_anything_is_tried() {
    for kind in KINDS {
        let mut pair = asking(kind);
        assert_eq!((pair.client.state(), pair.attempt), (ClientState::Connecting, None));
        assert_eq!(asked(&mut pair), 1);
        give(&mut pair, "good");
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
        assert_eq!(pair.tokens[0], "good");
    }
}

#[test]
fn a_token_that_was_given_before_is_not_asked_for() {
    let client = tidewire_protocol::client::Settings {
        token_timeout: Some(TIMEOUT),
        ..settings(TransportKind::Stream)
    };
    let mut pair = Pair::with(client, server::Settings::default(), Retention::default());
    give(&mut pair, "good");
    pair.tell(Input::Connect);
    pair.settle();
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
    assert_eq!(pair.tokens, ["good"]);
}

#[test]
fn a_token_is_renewed_in_place_after_four_fifths_of_its_time() {
    for kind in KINDS {
        let mut pair = open(kind, "100");
        for renewal in 1..=5 {
            pair.pass(80 * SECOND - Duration::from_nanos(1));
            assert_eq!(asked(&mut pair), 0, "{renewal}");
            pair.pass(Duration::from_nanos(1));
            let is_again = pair
                .events
                .iter()
                .any(|it| matches!(it, Event::State(_) | Event::Opened { .. }));
            assert_eq!((asked(&mut pair), is_again), (1, false), "{renewal}");
            let attempt = pair.attempt;
            give(&mut pair, "100");
            assert_eq!(pair.attempt == attempt, kind == TransportKind::Stream);
        }
        give(&mut pair, "for ever");
        pair.pass(HOUR);
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
        assert_eq!(pair.closes, []);
    }
}

#[test]
fn one_that_has_expired_is_asked_for_once_and_the_next_is_tried() {
    for kind in KINDS {
        let mut pair = asking(kind);
        give(&mut pair, "expired");
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 2));
        give(&mut pair, "good");
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
    }
}

#[test]
fn two_in_a_row_that_have_expired_are_the_end_of_trying_until_one_is_given() {
    for kind in KINDS {
        let mut pair = asking(kind);
        give(&mut pair, "expired");
        give(&mut pair, "expired");
        assert_eq!((pair.client.state(), asked(&mut pair)), (EXPIRED, 2));
        for input in [
            Input::Wake,
            Input::Online,
            Input::Hidden,
            Input::Shown,
            Input::Suspend,
            Input::Wake,
        ] {
            pair.tell(input);
            pair.pass(HOUR);
        }
        assert_eq!((pair.client.state(), asked(&mut pair)), (EXPIRED, 0));
        assert_eq!(pair.tokens, ["expired", "expired"]);
        give(&mut pair, "expired");
        assert_eq!((pair.client.state(), asked(&mut pair)), (EXPIRED, 0));
        give(&mut pair, "good");
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.tokens[2..4], ["expired", "good"]);
    }
}

#[test]
fn a_server_that_lets_nobody_stay_is_not_asked_for_ever() {
    let mut pair = open(TransportKind::Stream, "good");
    for (time, asks, state) in [
        (6 * SECOND, 1, ClientState::Connecting),
        (SECOND, 0, EXPIRED),
        (SECOND, 0, EXPIRED),
        (6 * SECOND, 1, ClientState::Connecting),
    ] {
        pair.pass(time);
        pair.tell_server(&server::Input::Close(CloseCode::TOKEN_EXPIRED));
        pair.settle();
        assert_eq!((asked(&mut pair), pair.client.state()), (asks, state), "after {time:?}");
        give(&mut pair, "good");
        assert_eq!(pair.client.state(), ClientState::Open);
    }
}

#[test]
fn one_that_is_not_good_is_the_end() {
    for kind in KINDS {
        let mut pair = asking(kind);
        give(&mut pair, "forged");
        assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::UNAUTHORIZED));
        // Somebody else's, for a session that goes on.
        let mut pair = open(kind, "100");
        pair.pass(80 * SECOND);
        give(&mut pair, "forged");
        assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::UNAUTHORIZED));
    }
}

#[test]
fn who_cannot_give_one_is_asked_again_after_a_wait() {
    let mut pair = asking(TransportKind::Stream);
    assert_eq!(asked(&mut pair), 1);
    for wait in [BACKOFF, 2 * BACKOFF, 4 * BACKOFF] {
        fail(&mut pair);
        assert_eq!((pair.client.state(), asked(&mut pair)), (FAILED, 0));
        pair.pass(wait);
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 1));
    }
    give(&mut pair, "good");
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
    assert_eq!(pair.tokens, ["good"]);
}

#[test]
fn who_takes_too_long_is_asked_again_after_a_wait_and_may_still_answer() {
    let mut pair = asking(TransportKind::Stream);
    pair.pass(TIMEOUT - Duration::from_nanos(1));
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 1));
    pair.pass(Duration::from_nanos(1));
    assert_eq!((pair.client.state(), asked(&mut pair)), (TIMED_OUT, 0));
    pair.pass(BACKOFF);
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 1));
    // When in that wait is chance.
    pair.pass(TIMEOUT - BACKOFF);
    assert_eq!(pair.client.state(), ClientState::Connecting);
    let is_late = (0..=50).any(|_| {
        pair.pass(BACKOFF / 50);
        pair.client.state() == TIMED_OUT
    });
    assert!(is_late);
    give(&mut pair, "good");
    assert_eq!(pair.client.state(), ClientState::Open);
}

#[test]
fn a_page_that_comes_back_does_not_wait_to_ask_again() {
    for input in [Input::Online, Input::Wake, Input::Shown] {
        let mut pair = asking(TransportKind::Stream);
        fail(&mut pair);
        asked(&mut pair);
        pair.tell(input);
        assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 1));
    }
}

#[test]
fn a_renewal_that_fails_is_tried_again_while_the_connection_goes_on() {
    let mut pair = open(TransportKind::Stream, "100");
    let attempt = pair.attempt;
    pair.pass(80 * SECOND);
    fail(&mut pair);
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 1));
    pair.pass(BACKOFF);
    assert_eq!(asked(&mut pair), 1);
    pair.pass(TIMEOUT + 2 * BACKOFF);
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 1));
    give(&mut pair, "100");
    assert_eq!((pair.client.state(), pair.attempt), (ClientState::Open, attempt));
    assert_eq!(pair.closes, []);
}

#[test]
fn one_that_is_on_its_way_when_the_old_one_expires_is_not_asked_for_twice() {
    let mut pair = open(TransportKind::Stream, "20");
    pair.pass(16 * SECOND);
    assert_eq!(asked(&mut pair), 1);
    pair.pass(4 * SECOND);
    assert_eq!(pair.closes, [CloseCode::TOKEN_EXPIRED]);
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Connecting, 0));
    give(&mut pair, "good");
    assert_eq!((pair.client.state(), asked(&mut pair)), (ClientState::Open, 0));
}

#[test]
fn one_that_could_not_be_renewed_is_asked_for_when_it_expires() {
    let mut pair = open(TransportKind::Stream, "100");
    pair.pass(80 * SECOND);
    while pair.client.state() == ClientState::Open {
        fail(&mut pair);
        pair.pass(SECOND);
    }
    assert_eq!(pair.closes, [CloseCode::TOKEN_EXPIRED]);
    assert!(asked(&mut pair) > 1);
    give(&mut pair, "good");
    assert_eq!(pair.client.state(), ClientState::Open);
}

#[test]
fn after_a_long_sleep_a_token_that_has_expired_is_not_shown_again() {
    for kind in KINDS {
        for (slept, asks) in [(90 * SECOND, 0), (101 * SECOND, 1)] {
            let mut pair = open(kind, "100");
            pair.tell(Input::Suspend);
            let shown = pair.tokens.len();
            // No timer fires meanwhile.
            pair.now = pair.now + slept;
            pair.tell(Input::Wake);
            assert_eq!((asked(&mut pair), pair.tokens.len()), (asks, shown), "{slept:?}");
            if asks > 0 {
                give(&mut pair, "good");
            }
            pair.settle();
            assert_eq!(pair.client.state(), ClientState::Open);
        }
    }
}

#[test]
fn where_nobody_can_be_asked_one_that_has_expired_is_waited_for() {
    let (mut pair, _) = Pair::subscribed();
    pair.tell_server(&server::Input::Close(CloseCode::TOKEN_EXPIRED));
    pair.settle();
    pair.pass(HOUR);
    assert_eq!((pair.client.state(), asked(&mut pair)), (EXPIRED, 0));
    give(&mut pair, "100");
    assert_eq!(pair.client.state(), ClientState::Open);
    pair.pass(HOUR);
    assert_eq!((pair.client.state(), asked(&mut pair)), (EXPIRED, 0));
    pair.tell(Input::Suspend);
    pair.tell(Input::Wake);
    assert_eq!(pair.client.state(), EXPIRED);
}

#[test]
fn an_end_is_an_end_also_while_a_token_is_asked_for() {
    let mut pair = asking(TransportKind::Stream);
    pair.tell(Input::Close);
    give(&mut pair, "good");
    pair.pass(HOUR);
    assert_eq!(pair.client.state(), ClientState::Closed(CloseCode::NORMAL));
    assert_eq!(asked(&mut pair), 1);
}
