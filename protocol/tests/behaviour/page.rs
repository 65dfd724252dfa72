//! What a client makes of its page: hidden, shown, put away, frozen.

use std::time::Duration;

use crate::pair::{KINDS, Pair};
use tidewire_protocol::{
    BackoffSettings, Instant,
    client::{self, Attempt, Client, ClientState, Input, Output, Settings, TokenError},
    frame::Start,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const START: Instant = Instant::new(Duration::from_secs(1));

/// What it wants, and when it is to be told of the time.
fn turn(client: &mut Client) -> (Vec<Output>, Option<Instant>) {
    let mut outputs = Vec::new();
    for _ in 0..10_000 {
        match client.poll_output() {
            Output::Timeout(at) => return (outputs, at),
            output => outputs.push(output),
        }
    }
    panic!("it does not come to rest");
}

fn connects(client: &mut Client) -> Option<Attempt> {
    turn(client).0.into_iter().find_map(|output| match output {
        Output::Connect(attempt, _) => Some(attempt),
        _ => None,
    })
}

/// The longest wait, of many clients, after each of so many failures in a row.
fn longest_waits(failures: u64, hide: bool) -> Vec<Duration> {
    let mut longest = vec![Duration::ZERO; failures as usize];
    for seed in 0..200 {
        let mut client = Client::new(START, Settings::default(), seed);
        let mut now = START;
        if hide {
            client.handle_input(now, Input::Hidden);
        }
        client.handle_input(now, Input::Connect);
        for longest in &mut longest {
            let attempt = connects(&mut client).expect("a try");
            client.handle_input(now, Input::Lost(attempt, None));
            let until = turn(&mut client).1.expect("a wait");
            *longest = until.since(now).max(*longest);
            now = until;
            client.handle_input(now, Input::Timeout);
        }
    }
    longest
}

#[test]
fn while_hidden_waits_grow_beyond_the_usual_cap() {
    let BackoffSettings { base, cap, hidden_cap } = BackoffSettings::default();
    for (hide, cap) in [(false, cap), (true, hidden_cap)] {
        for (failure, longest) in longest_waits(14, hide).into_iter().enumerate() {
            let limit = (base * (1 << [failure, failure + 3][usize::from(failure > 2)])).min(cap);
            assert!(
                longest <= limit && longest > limit * 9 / 10,
                "{failure}: {longest:?} of {limit:?}"
            );
        }
    }
}

#[test]
fn shown_again_it_connects_at_once_and_waits_as_usual() {
    let mut client = Client::new(START, Settings::default(), 1);
    client.handle_input(START, Input::Hidden);
    client.handle_input(START, Input::Connect);
    let mut now = START;
    for _ in 0..20 {
        let attempt = connects(&mut client).expect("a try");
        client.handle_input(now, Input::Lost(attempt, None));
        now = turn(&mut client).1.expect("a wait");
        client.handle_input(now, Input::Timeout);
    }
    let attempt = connects(&mut client).expect("a try");
    client.handle_input(now, Input::Lost(attempt, None));
    client.handle_input(now, Input::Shown);
    let attempt = connects(&mut client).expect("a try at once");
    client.handle_input(now, Input::Lost(attempt, None));
    let wait = turn(&mut client).1.expect("a wait").since(now);
    assert!(wait <= BackoffSettings::default().cap, "{wait:?}");
}

#[test]
fn shown_again_it_asks_for_a_sign_of_life_unless_there_was_one_just_now() {
    let just_now = Settings::default().probe_timeout;
    for (hidden, asks) in [(just_now, true), (just_now - Duration::from_nanos(1), false)] {
        let (mut pair, _) = Pair::subscribed();
        pair.say("something");
        pair.drive_server();
        pair.settle();
        pair.client.handle_input(pair.now, Input::Hidden);
        pair.now = pair.now + hidden;
        pair.client.handle_input(pair.now, Input::Shown);
        assert_eq!(!turn(&mut pair.client).0.is_empty(), asks, "{hidden:?}");
    }
}

#[test]
fn a_page_that_wakes_gives_what_it_was_connecting_by_a_last_chance() {
    let settings = Settings::default();
    let mut client = Client::new(START, settings.clone(), 1);
    client.handle_input(START, Input::Connect);
    let awake = START + Duration::from_secs(1);
    client.handle_input(awake, Input::Shown);
    assert_eq!(turn(&mut client).1, Some(START + settings.connect_timeout));
    client.handle_input(awake, Input::Wake);
    assert_eq!(turn(&mut client).1, Some(awake + settings.probe_timeout));
    client.handle_input(awake, Input::Opened(Attempt(1)));
    client.handle_input(awake, Input::Wake);
    assert_eq!(turn(&mut client).1, Some(awake + settings.probe_timeout));
    client.handle_input(awake + Duration::from_secs(1), Input::Wake);
    assert_eq!(
        turn(&mut client).1,
        Some(awake + settings.probe_timeout),
        "it never gets longer"
    );
}

/// Chromium ends the socket of a page that was frozen once that is awake, after what had come meanwhile.
#[test]
fn a_page_that_wakes_connects_at_once_where_its_link_is_gone_however_young_that_was() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        for says_so in [true, false, true] {
            let gone = pair.attempt;
            pair.tell(Input::Hidden);
            pair.tell(Input::Wake);
            let woken = pair.now;
            if says_so {
                pair.say("meanwhile");
                pair.settle();
            }
            if says_so {
                pair.cut(true);
            } else {
                pair.to_server.clear();
                pair.pass(Settings::default().probe_timeout);
            }
            pair.settle();
            assert_ne!(pair.attempt, gone);
            assert_eq!(pair.client.state(), ClientState::Open, "{kind:?}, {says_so}");
            assert!(pair.now.since(woken) <= Settings::default().probe_timeout);
        }
    }
}

#[test]
fn a_page_that_is_put_away_leaves_its_transport_and_keeps_its_session() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let member = pair.client.member().cloned();
        pair.tell(Input::Suspend);
        pair.forget();
        assert_eq!((pair.client.state(), pair.attempt), (ClientState::Offline, None));
        pair.say("while away");
        let id = pair.publish("published while away");
        pair.pass(Duration::from_secs(60));
        assert_eq!(pair.client.state(), ClientState::Offline, "nothing is tried");
        pair.tell(Input::Wake);
        pair.settle();
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.client.member(), member.as_ref());
        assert!(matches!(&pair.events[..], events if events.iter().any(|event|
            matches!(event, client::Event::Published(it, _) if *it == id))));
        assert_eq!(pair.heard(), ["while away", "published while away"]);
    }
}

#[test]
fn a_page_that_is_put_away_before_it_has_connected_does_so_when_it_is_back() {
    let mut client = Client::new(START, Settings::default(), 1);
    client.handle_input(START, Input::Suspend);
    assert_eq!(client.state(), ClientState::Idle);
    client.handle_input(START, Input::Connect);
    turn(&mut client);
    client.handle_input(START, Input::Suspend);
    assert_eq!(turn(&mut client).0[0], Output::Disconnect(Attempt(1)));
    client.handle_input(START, Input::Wake);
    assert_eq!(connects(&mut client), Some(Attempt(2)));
    client.handle_input(START, Input::Lost(Attempt(2), None));
    turn(&mut client);
    client.handle_input(START, Input::Suspend);
    assert_eq!(turn(&mut client).1, None, "it does not wait any more");
}

#[test]
fn an_end_and_a_lack_of_a_token_outlast_being_put_away() {
    let mut pair = Pair::new();
    pair.subscribe(Start::Now);
    pair.tell(Input::Connect);
    pair.settle();
    pair.tell(Input::Close);
    let closed = pair.client.state();
    for input in [Input::Hidden, Input::Suspend, Input::Shown, Input::Wake] {
        pair.tell(input);
        assert_eq!(pair.client.state(), closed);
    }
    let (mut pair, _) = Pair::subscribed();
    pair.tell_server(&tidewire_protocol::server::Input::Close(
        tidewire_protocol::CloseCode::TOKEN_EXPIRED,
    ));
    pair.settle();
    pair.tell(Input::Suspend);
    pair.tell(Input::Wake);
    assert_eq!(pair.client.state(), ClientState::Unauthorized(TokenError::Expired));
}
