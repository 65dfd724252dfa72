//! What one client leaves to the next: nothing is lost, nothing doubled, whoever reads it.

use std::{collections::VecDeque, time::Duration};

use crate::pair::{KINDS, Pair, SESSION_TTL, room, settings};
use proptest::prelude::*;
use tidewire_protocol::{
    CloseCode, Instant, OwnedPayload, Position, RoomName,
    client::{Client, ClientState, Event, Input, Output, PublishError, PublishId, Settings, SubscriptionId},
    frame::{Outcome, Start},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const START: Instant = Instant::new(Duration::from_secs(1));
const DATE: u64 = 1_000_000_000;

/// What a client saves whose user has taken all that came.
fn save(pair: &mut Pair, taken: Option<Position>) -> Vec<u8> {
    pair.client.save(pair.now, DATE, &|_| taken).expect("it has not ended")
}

/// The page is loaded again, after this time: what the new one has not had is said to be restored.
fn reload(pair: &mut Pair, taken: Option<Position>, away: Duration) -> bool {
    let saved = save(pair, taken);
    pair.tell(Input::Suspend);
    pair.forget();
    pair.events.clear();
    pair.now = pair.now + away;
    begin(pair, &saved, away)
}

/// Another client begins with what was saved, in the place of the one there was.
fn begin(pair: &mut Pair, saved: &[u8], away: Duration) -> bool {
    let kind = pair.client.kind(0);
    pair.client = Client::new(pair.now, settings(kind), 8);
    pair.client.restore(pair.now, DATE + away.as_millis() as u64, saved)
}

fn texts(client: &Client) -> Vec<String> {
    let texts = client.publishes().map(|(_, _, payload)| match payload {
        OwnedPayload::Text(text) => text.to_string(),
        OwnedPayload::Binary(bytes) => format!("{bytes:?}"),
    });
    texts.collect()
}

/// What became of publishes, as the user was told.
fn outcomes(events: &[Event]) -> Vec<(PublishId, Result<u64, PublishError>)> {
    let outcomes = events.iter().filter_map(|event| match event {
        Event::Published(id, position) => Some((*id, Ok(position.offset.0))),
        Event::PublishFailed(id, error, _) => Some((*id, Err(*error))),
        _ => None,
    });
    outcomes.collect()
}

fn outcome(events: &[Event]) -> Option<Outcome> {
    events.iter().find_map(|event| match event {
        Event::Opened { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

#[test]
fn a_subscription_goes_on_after_the_last_message_that_was_taken() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let member = pair.client.member().cloned();
        pair.say("taken");
        pair.say("not taken");
        pair.drive_server();
        pair.settle();
        assert_eq!(pair.heard(), ["taken", "not taken"]);
        let mut taken = pair.log.head();
        taken.offset.0 -= 1;
        assert!(reload(&mut pair, Some(taken), Duration::ZERO));
        pair.say("while away");
        pair.subscribe(Start::Now);
        pair.tell(Input::Connect);
        pair.settle();
        assert_eq!(outcome(&pair.events), Some(Outcome::Resumed));
        assert_eq!(pair.client.member(), member.as_ref());
        assert_eq!(pair.heard(), ["not taken", "while away"]);
    }
}

#[test]
fn a_user_who_has_taken_nothing_has_come_as_far_as_the_subscription_began() {
    for taken_before in [false, true] {
        let (mut pair, _) = Pair::subscribed();
        pair.say("first");
        pair.drive_server();
        pair.settle();
        if taken_before {
            reload(&mut pair, None, Duration::ZERO);
            pair.subscribe(Start::Now);
        }
        assert!(reload(&mut pair, None, Duration::ZERO));
        pair.subscribe(Start::Now);
        pair.tell(Input::Connect);
        pair.settle();
        assert_eq!(pair.heard(), ["first"]);
    }
}

#[test]
fn a_subscription_with_a_start_of_its_own_begins_there_and_another_room_now() {
    let (mut pair, _) = Pair::subscribed();
    ["one", "two", "three"].into_iter().for_each(|text| pair.say(text));
    pair.drive_server();
    pair.settle();
    let head = pair.log.head();
    reload(&mut pair, Some(head), Duration::ZERO);
    let id = pair.subscribe(Start::Last(2));
    pair.tell(Input::Connect);
    pair.settle();
    assert_eq!(pair.heard(), ["two", "three"]);
    // The place is used once.
    pair.client.unsubscribe(pair.now, id);
    pair.drive_client();
    pair.say("unseen");
    pair.drive_server();
    pair.settle();
    pair.subscribe(Start::Now);
    pair.settle();
    assert_eq!(pair.heard(), Vec::<String>::new());
}

#[test]
fn a_place_that_no_page_has_used_is_kept_for_the_one_after() {
    let (mut pair, _) = Pair::subscribed();
    pair.say("one");
    let taken = Position {
        offset: tidewire_protocol::Offset(0),
        ..pair.log.head()
    };
    reload(&mut pair, Some(taken), Duration::ZERO);
    pair.tell(Input::Connect);
    pair.settle();
    reload(&mut pair, None, Duration::ZERO);
    pair.subscribe(Start::Now);
    pair.tell(Input::Connect);
    pair.settle();
    assert_eq!(pair.heard(), ["one"]);
}

#[test]
fn what_was_not_answered_is_sent_again_once_and_in_order() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        // The first is accepted, and its answer lost; the second is lost on its way; the third is not sent at all.
        pair.publish("one");
        pair.deliver_to_server();
        while pair.drive_server() {}
        pair.to_client.clear();
        pair.publish("two");
        pair.to_server.clear();
        pair.tell(Input::Suspend);
        pair.publish("three");
        assert!(reload(&mut pair, None, Duration::ZERO));
        assert_eq!(texts(&pair.client), ["one", "two", "three"]);
        let ids: Vec<_> = pair.client.publishes().map(|(id, ..)| id).collect();
        pair.tell(Input::Connect);
        pair.settle();
        let told: Vec<_> = ids.into_iter().zip([Ok(1), Ok(2), Ok(3)]).collect();
        assert_eq!(outcomes(&pair.events), told, "{kind:?}");
        assert_eq!(pair.log.head().offset.0, 3);
        assert_eq!(pair.publish("four").0, told.len() as u64 + 1);
        pair.settle();
        assert_eq!(pair.log.head().offset.0, 4);
    }
}

#[test]
fn a_session_that_expired_meanwhile_leaves_what_was_sent_unconfirmed_and_sends_the_rest() {
    let (mut pair, _) = Pair::subscribed();
    pair.publish("sent");
    pair.cut(true);
    pair.publish("not sent");
    assert!(reload(&mut pair, None, SESSION_TTL * 2));
    pair.tell(Input::Connect);
    pair.settle();
    assert_eq!(outcome(&pair.events), Some(Outcome::Replaced));
    let told = outcomes(&pair.events);
    assert_eq!(
        told,
        [(PublishId(1), Err(PublishError::Unconfirmed)), (PublishId(2), Ok(1))]
    );
}

#[test]
fn a_publish_has_what_is_left_of_its_time_however_long_the_page_was_away() {
    let ttl = Duration::from_secs(10);
    for (away, is_sent) in [(Duration::from_millis(6999), true), (Duration::from_secs(7), false)] {
        let mut pair = Pair::new();
        let (now, payload) = (pair.now, OwnedPayload::Text("soon".into()));
        pair.client.handle_input(now, Input::Connect);
        pair.client.publish(now, room(), payload, Some(ttl)).expect("room");
        pair.now = pair.now + Duration::from_secs(3);
        reload(&mut pair, None, away);
        pair.tell(Input::Connect);
        pair.settle();
        let told = if is_sent { Ok(1) } else { Err(PublishError::Expired) };
        assert_eq!(outcomes(&pair.events), [(PublishId(1), told)], "{away:?}");
    }
}

#[test]
fn a_client_that_never_connected_leaves_what_it_was_to_publish() {
    let mut pair = Pair::new();
    pair.tell(Input::Connect);
    pair.to_server.clear();
    pair.publish("early");
    assert!(reload(&mut pair, None, Duration::ZERO));
    pair.tell(Input::Connect);
    pair.settle();
    assert_eq!(outcome(&pair.events), Some(Outcome::New));
    assert_eq!(outcomes(&pair.events), [(PublishId(1), Ok(1))]);
}

#[test]
fn a_client_that_has_ended_leaves_nothing() {
    let (mut pair, _) = Pair::subscribed();
    pair.tell(Input::Close);
    assert_eq!(pair.client.save(pair.now, DATE, &|_| None), None);
}

#[test]
fn a_client_in_use_does_not_go_on_for_another() {
    let (mut pair, _) = Pair::subscribed();
    let saved = save(&mut pair, None);
    assert!(!pair.client.restore(pair.now, DATE, &saved), "it is connected");
    let mut client = Client::new(START, Settings::default(), 1);
    let published = client.publish(START, room(), OwnedPayload::Text("mine".into()), None);
    assert!(
        published.is_ok() && !client.restore(START, DATE, &saved),
        "it publishes"
    );
    assert_eq!(texts(&client), ["mine"]);
}

/// A page that was frozen, and a copy of its tab.
#[test]
fn of_two_clients_with_one_session_the_earlier_begins_another() {
    for kind in KINDS {
        let (mut pair, _) = Pair::subscribed_by(kind);
        let member = pair.client.member().cloned();
        let frozen_at = pair.log.head();
        let saved = save(&mut pair, Some(frozen_at));
        let kind_of = pair.client.kind(0);
        let mut copy = Client::new(pair.now, settings(kind_of), 9);
        assert!(copy.restore(pair.now, DATE, &saved));
        // The earlier one has something under way that the server has not had.
        pair.publish("of the earlier");
        pair.to_server.clear();
        let earlier = std::mem::replace(&mut pair.client, copy);
        pair.tell(Input::Connect);
        pair.settle();
        assert_eq!(outcome(&pair.events), Some(Outcome::Resumed));
        assert_eq!(pair.client.member(), member.as_ref());
        pair.publish("of the later");
        pair.settle();
        assert_eq!(pair.log.head().offset.0, 1);
        pair.events.clear();
        // The earlier one wakes, and is told by a close; or comes too late with a hello of its own.
        pair.client = earlier;
        pair.attempt = None;
        pair.connections.clear();
        pair.tell(Input::Suspend);
        for _ in 0..10 {
            pair.tell(Input::Wake);
            pair.settle();
        }
        assert_eq!(pair.client.state(), ClientState::Open, "{kind:?}");
        assert_eq!(outcome(&pair.events), Some(Outcome::New));
        assert_eq!(outcomes(&pair.events), [(PublishId(1), Err(PublishError::Unconfirmed))]);
        assert_eq!(
            pair.heard(),
            ["of the later"],
            "its subscription goes on from where it was"
        );
        assert_eq!(pair.log.head().offset.0, 1, "nothing is there twice");
        assert_eq!(pair.sessions.len(), 2);
    }
}

/// A page that was put away and came back, after another had gone on in its place.
#[test]
fn what_was_left_to_another_client_unsent_is_not_sent_by_both() {
    for ttl in [Duration::ZERO, SESSION_TTL * 2] {
        let (mut pair, _) = Pair::subscribed();
        pair.tell(Input::Suspend);
        let left = pair.publish("left to the other");
        let saved = save(&mut pair, None);
        let own = pair.publish("of its own");
        let kind = pair.client.kind(0);
        let other = Client::new(pair.now, settings(kind), 9);
        let first = std::mem::replace(&mut pair.client, other);
        assert!(pair.client.restore(pair.now, DATE, &saved));
        pair.tell(Input::Connect);
        pair.settle();
        assert_eq!(pair.log.head().offset.0, 1);
        pair.forget();
        pair.events.clear();
        // By then the session may be gone, or still be the other's.
        pair.now = pair.now + ttl;
        pair.client = first;
        pair.tell(Input::Wake);
        pair.settle();
        for _ in 0..10 {
            pair.tell(Input::Wake);
            pair.settle();
        }
        assert_eq!(
            outcomes(&pair.events),
            [(left, Err(PublishError::Unconfirmed)), (own, Ok(2))],
            "{ttl:?}"
        );
        assert_eq!(pair.log.head().offset.0, 2);
    }
}

/// Two copies of one tab: both say that they are the one that goes on, and both number their publishes alike.
#[test]
fn a_copy_in_whose_session_another_has_published_begins_another() {
    let (mut pair, _) = Pair::subscribed();
    let saved = save(&mut pair, None);
    pair.tell(Input::Suspend);
    begin(&mut pair, &saved, Duration::ZERO);
    pair.tell(Input::Connect);
    pair.settle();
    pair.publish("of one copy");
    pair.settle();
    pair.events.clear();
    begin(&mut pair, &saved, Duration::ZERO);
    pair.tell(Input::Connect);
    let id = pair.publish("of the other");
    pair.settle();
    pair.reconnect();
    assert_eq!(outcome(&pair.events), Some(Outcome::New));
    assert_eq!(outcomes(&pair.events), [(id, Ok(2))]);
}

#[test]
fn a_session_of_its_own_is_not_given_up_for_another_time() {
    let (mut pair, _) = Pair::subscribed();
    save(&mut pair, None);
    for expected in [ClientState::Connecting, ClientState::Closed(CloseCode::TAKEN_OVER)] {
        pair.tell_server(&tidewire_protocol::server::Input::Close(CloseCode::TAKEN_OVER));
        let batches: VecDeque<_> = std::mem::take(&mut pair.to_client);
        let attempt = pair.attempt.expect("connected");
        for batch in batches {
            pair.tell(Input::Received(attempt, &batch));
        }
        assert!(
            matches!((pair.client.state(), expected), (ClientState::Closed(a), ClientState::Closed(b)) if a == b)
                || pair.client.state() == expected,
            "{:?}",
            pair.client.state()
        );
        pair.settle();
    }
}

/// The first attempt of the client that goes on.
fn first_attempt(saved: &[u8]) -> (Client, Option<u64>) {
    let mut client = Client::new(START, Settings::default(), 1);
    assert!(client.restore(START, DATE, saved));
    client.handle_input(START, Input::Connect);
    loop {
        match client.poll_output() {
            Output::Connect(attempt, _) => return (client, Some(attempt.0)),
            Output::Timeout(_) => return (client, None),
            _ => {}
        }
    }
}

#[test]
fn attempts_are_later_than_any_that_the_earlier_client_may_make() {
    let (mut next, attempt) = first_attempt(&busy());
    assert_eq!(attempt, Some((1 << 20) + 1));
    let saved = next.save(START, DATE, &|_| None).expect("it has not ended");
    assert_eq!(first_attempt(&saved).1, Some((2 << 20) + 1));
}

#[test]
fn so_many_places_go_on_that_no_page_has_used() {
    let saved = |rooms: u64| {
        let mut client = Client::new(START, Settings::default(), 1);
        client.handle_input(START, Input::Connect);
        for room in 0..rooms {
            let room = RoomName::new(&format!("room {room:03}")).expect("a name");
            let position = Position {
                epoch: tidewire_protocol::Epoch(1),
                offset: tidewire_protocol::Offset(1),
            };
            client
                .subscribe(START, room, Start::After(position), false)
                .expect("once");
        }
        let saved = client.save(START, DATE, &|_| None).expect("it has not ended");
        let (mut next, _) = first_attempt(&saved);
        next.save(START, DATE, &|_| None).expect("it has not ended")
    };
    assert!(saved(127).len() < saved(128).len());
    assert_eq!(saved(128), saved(129));
}

/// All that a client has, after it was told to go on with these bytes.
fn taken_in(saved: &[u8]) -> (bool, Vec<Output>, Vec<String>) {
    let mut client = Client::new(START, Settings::default(), 1);
    let goes_on = client.restore(START, DATE, saved);
    let texts = texts(&client);
    client.subscribe(START, room(), Start::Now, true);
    client.handle_input(START, Input::Connect);
    let mut outputs = Vec::new();
    loop {
        match client.poll_output() {
            Output::Connect(attempt, _) => client.handle_input(START, Input::Opened(attempt)),
            Output::Timeout(_) => return (goes_on, outputs, texts),
            output => outputs.push(output),
        }
    }
}

/// What was saved of a client that is busy.
fn busy() -> Vec<u8> {
    let (mut pair, _) = Pair::subscribed();
    for text in ["one", "two"] {
        pair.publish(text);
    }
    pair.tell(Input::Suspend);
    pair.publish("three");
    let bytes = OwnedPayload::Binary(vec![0, 255].into());
    let ttl = Some(Duration::from_secs(9));
    pair.client.publish(pair.now, room(), bytes, ttl).expect("room");
    save(&mut pair, None)
}

#[test]
fn bytes_that_were_cut_or_are_not_of_a_client_change_nothing() {
    let (saved, nothing) = (busy(), taken_in(&[]));
    assert!(!nothing.0);
    assert_eq!(taken_in(&saved).2, ["one", "two", "three", "[0, 255]"]);
    for bytes in ["", "\0", "{}", "null", "\u{3}", "tidewire"] {
        assert_eq!(taken_in(bytes.as_bytes()), nothing, "{bytes:?}");
    }
    for (name, bytes) in [
        (
            "a sequence that was not given out",
            [&saved[..], &[0, 9, 0, 1, b'r', 0]].concat(),
        ),
        ("sent after what was not", [&saved[..], &[0, 2, 0, 1, b'r', 0]].concat()),
        ("a room without a name", [&saved[..], &[0, 0, 0, 0, 0]].concat()),
        ("a place without a name", [&saved[..], &[2, 0, 0, 0, 0]].concat()),
        ("text that is none", [&saved[..], &[0, 0, 0, 1, b'r', 1, 255]].concat()),
        ("a session that is none", [&saved[..], &[3, 1, 0, 1, 7, 0]].concat()),
        ("the last part cut off", saved[..saved.len() - 1].to_vec()),
    ] {
        assert_eq!(taken_in(&bytes), nothing, "{name}");
    }
    let unknown = [&saved[..], &[99, 0, 0, 0, 0]].concat();
    assert_eq!(
        taken_in(&unknown),
        taken_in(&saved),
        "a part of a later version is skipped"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_is_bounded_and_harms_nobody(bytes: Vec<u8>, at: usize, byte: u8, cut: usize) {
        taken_in(&bytes);
        let mut saved = busy();
        let length = saved.len();
        saved[at % length] = byte;
        taken_in(&saved);
        saved.truncate(cut % (length + 1));
        let (_, _, publishes) = taken_in(&saved);
        prop_assert!(publishes.len() <= length);
    }

    #[test]
    fn what_is_saved_twice_is_the_same(offsets in prop::collection::vec(0_u64..1 << 40, 0..8)) {
        let mut client = Client::new(START, Settings::default(), 1);
        client.handle_input(START, Input::Connect);
        let mut places = Vec::new();
        for (index, offset) in offsets.into_iter().enumerate() {
            let room = RoomName::new(&format!("room {index}")).expect("a name");
            let position = Position {
                epoch: tidewire_protocol::Epoch(offset.rotate_left(30)),
                offset: tidewire_protocol::Offset(offset),
            };
            let id = client.subscribe(START, room, Start::After(position), false).expect("once");
            places.push((id, position));
        }
        let taken = |id: SubscriptionId| places.iter().find(|it| it.0 == id).map(|it| it.1);
        let one = client.save(START, DATE, &taken).expect("it has not ended");
        let mut next = Client::new(START, Settings::default(), 1);
        prop_assert!(next.restore(START, DATE, &one));
        let two = next.save(START, DATE, &|_| None).expect("it has not ended");
        // All but the attempt, which is later.
        let rest = one.len() - 2;
        prop_assert_eq!(&one[2..], &two[two.len() - rest..]);
    }
}
