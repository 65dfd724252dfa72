//! The awkward cases of `docs/PROTOCOL.md`, one by one.

use std::time::Duration;

use crate::pair::{KINDS, Pair, SESSION_TTL, settings};
use tidewire_protocol::{
    CloseCode, OwnedPayload, Retention,
    client::{self, ClientState, Event, PublishError},
    frame::Start,
    server::{self},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn published(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, Event::Published(..)))
        .count()
}

#[test]
fn nothing_was_received_before_the_cut() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.cut(true);
        pair.say("while away");
        pair.reconnect();
        assert_eq!(pair.heard(), ["while away"]);
    }
}

#[test]
fn not_even_the_answer_to_subscribe_was_received_before_the_cut() {
    for kind in KINDS {
        let mut pair = Pair::by(kind);
        pair.say("before");
        pair.subscribe(Start::Last(1));
        pair.tell(client::Input::Connect);
        pair.cut(true);
        pair.say("while away");
        pair.reconnect();
        assert_eq!(pair.heard(), ["while away"], "at most one, as was asked");
    }
}

#[test]
fn the_last_message_is_older_than_any_window() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.say("old");
        pair.settle();
        pair.pass(Duration::from_secs(3600));
        pair.log.evict(pair.now);
        pair.cut(true);
        pair.say("new");
        pair.reconnect();
        assert_eq!(pair.heard(), ["old", "new"]);
    }
}

#[test]
fn the_reconnect_comes_before_the_server_noticed_the_cut() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.cut(false);
        pair.say("while away");
        pair.reconnect();
        assert_eq!(pair.closes, [CloseCode::TAKEN_OVER]);
        assert_eq!(pair.heard(), ["while away"]);
        assert_eq!(pair.sessions.len(), 1);
    }
}

#[test]
fn two_cuts_in_a_row() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.cut(true);
        pair.say("one");
        pair.pass(Duration::from_secs(20));
        // The second cut comes when the welcome is on its way.
        pair.cut(true);
        pair.say("two");
        pair.reconnect();
        assert_eq!(pair.heard(), ["one", "two"]);
    }
}

#[test]
fn a_cut_during_replay() {
    for kind in KINDS {
        for delivered in 0..8 {
            let (mut pair, _) = Pair::subscribed_by(kind);
            pair.cut(true);
            for text in ["a", "b", "c", "d"] {
                pair.say(text);
            }
            pair.tell(client::Input::Wake);
            while pair.deliver_to_server() {}
            for _ in 0..delivered {
                pair.deliver_to_client();
                while pair.deliver_to_server() {}
            }
            pair.cut(delivered % 2 == 0);
            pair.reconnect();
            assert_eq!(pair.heard(), ["a", "b", "c", "d"], "{delivered} delivered");
        }
    }
}

#[test]
fn a_cut_between_accepting_a_publish_and_answering_it() {
    for kind in KINDS {
        for server_notices in [false, true] {
            let (mut pair, _) = Pair::subscribed_by(kind);
            pair.publish("once");
            while pair.deliver_to_server() {}
            assert_eq!(pair.log.head().offset.0, 1, "it is accepted");
            pair.cut(server_notices);
            pair.reconnect();
            assert_eq!(published(&pair.events), 1);
            assert_eq!(pair.heard(), ["once"]);
            assert_eq!((pair.log.head().offset.0, pair.client.unanswered()), (1, 0));
        }
    }
}

#[test]
fn a_publish_that_was_lost_on_its_way_is_sent_again_in_its_place() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        for text in ["a", "b", "c"] {
            pair.publish(text);
        }
        pair.deliver_to_server();
        pair.cut(true);
        pair.publish("d");
        pair.reconnect();
        assert_eq!(published(&pair.events), 4);
        assert_eq!(pair.heard(), ["a", "b", "c", "d"]);
    }
}

#[test]
fn the_session_expired_with_publishes_unconfirmed() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let sent = pair.publish("sent");
        pair.cut(true);
        pair.tell(client::Input::Offline);
        let unsent = pair.publish("unsent");
        pair.pass(SESSION_TTL);
        pair.events.clear();
        pair.tell(client::Input::Online);
        pair.settle();
        let unconfirmed = Event::PublishFailed(sent, PublishError::Unconfirmed, OwnedPayload::Text("sent".into()));
        assert!(pair.events.contains(&unconfirmed), "{:?}", pair.events);
        assert!(
            pair.events
                .iter()
                .any(|event| matches!(event, Event::Published(id, _) if *id == unsent))
        );
        assert_eq!(pair.heard(), ["unsent"]);
    }
}

#[test]
fn a_session_is_kept_for_its_lifetime_and_not_a_moment_longer() {
    for kind in KINDS {
        for (time, resumed) in [(SESSION_TTL - Duration::from_nanos(1), true), (SESSION_TTL, false)] {
            let (mut pair, _) = Pair::subscribed_by(kind);
            pair.publish("sent");
            pair.cut(true);
            pair.tell(client::Input::Offline);
            pair.pass(time);
            pair.tell(client::Input::Online);
            pair.settle();
            let unconfirmed = |event: &Event| matches!(event, Event::PublishFailed(_, PublishError::Unconfirmed, _));
            assert_eq!(!pair.events.iter().any(unconfirmed), resumed, "{time:?}");
        }
    }
}

#[test]
fn the_log_was_lost() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.say("before");
        pair.settle();
        pair.lose_log();
        pair.say("after");
        pair.reconnect();
        assert_eq!(pair.heard(), ["before", "LogLost 2..0", "after"]);
    }
}

#[test]
fn messages_were_evicted_while_away_and_while_connected_but_slow() {
    for kind in KINDS {
        let retention = Retention {
            max_messages: 2,
            ..Retention::default()
        };
        for is_away in [true, false] {
            let mut pair = Pair::with(settings(kind), server::Settings::default(), retention);
            pair.subscribe(Start::Now);
            pair.tell(client::Input::Connect);
            pair.settle();
            if is_away {
                pair.cut(true);
            }
            for text in ["a", "b", "c", "d", "e"] {
                pair.say(text);
            }
            if is_away {
                pair.reconnect();
            } else {
                pair.settle();
            }
            assert_eq!(pair.heard(), ["Evicted 1..3", "d", "e"], "away: {is_away}");
        }
    }
}

#[test]
fn the_answer_to_an_old_attempt_arrives_in_a_new_one() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let old = pair.attempt.expect("a transport");
        pair.say("late");
        pair.drive_server();
        let late = pair.to_client.clone();
        pair.cut(true);
        for batch in &late {
            pair.tell(client::Input::Received(old, batch));
        }
        assert_eq!(pair.heard(), [""; 0], "the old transport is not listened to");
        pair.reconnect();
        for batch in &late {
            pair.tell(client::Input::Received(old, batch));
        }
        pair.tell(client::Input::Lost(old, None));
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.heard(), ["late"]);
    }
}

#[test]
fn what_was_on_its_way_when_a_subscription_ended_is_dropped_also_after_it_began_anew() {
    for kind in KINDS {
        let (mut pair, id) = Pair::subscribed_by(kind);
        pair.say("late");
        pair.drive_server();
        pair.client.unsubscribe(pair.now, id);
        pair.drive_client();
        pair.subscribe(Start::Now);
        pair.settle();
        pair.say("anew");
        pair.settle();
        assert_eq!(pair.heard(), ["anew"]);
    }
}

#[test]
fn a_clock_that_jumps_ahead_makes_both_sides_ask_and_not_despair() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        // A laptop slept for an hour; what the server sent is still in the socket.
        pair.say("in the socket");
        pair.drive_server();
        pair.now = pair.now + Duration::from_secs(3600);
        pair.deliver_to_client();
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.heard(), ["in the socket"]);
    }
}

#[test]
fn a_clock_that_jumps_back_ends_nothing() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let later = pair.now;
        pair.now = tidewire_protocol::Instant::new(Duration::ZERO);
        pair.say("then");
        pair.settle();
        pair.now = later;
        pair.pass(Duration::from_secs(600));
        assert_eq!(pair.client.state(), ClientState::Open);
        assert_eq!(pair.heard(), ["then"]);
    }
}

#[test]
fn a_dead_link_is_noticed_when_the_page_wakes_within_two_seconds() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        pair.to_client.clear();
        pair.connections.clear();
        pair.tell(client::Input::Wake);
        pair.to_server.clear();
        let dead = pair.attempt;
        pair.pass(Duration::from_millis(1999));
        assert_eq!(pair.attempt, dead);
        pair.pass(Duration::from_millis(1));
        assert_ne!(pair.attempt, dead);
    }
}
