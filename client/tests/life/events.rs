//! Hidden, frozen, put away, offline, asleep, and back.

use tidewire_client::{Client, ClientOptions, ClientState, CloseCode, RoomEvent, SubscribeOptions};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    begun, connect, happens, happens_to_document, next, opened, publish, room, run, show, subscribe, text, turns,
    until, waits,
};
use crate::common::{Uncaught, refused, round_trip};

/// A client that cannot connect.
fn lost() -> Client {
    let mut options = ClientOptions::default();
    // Longer than the test, at random nearly always.
    options.backoff.base = core::time::Duration::from_secs(1 << 20);
    options.backoff.cap = options.backoff.base;
    options.backoff.hidden_cap = options.backoff.base;
    Client::connect(&refused(), options).expect("an address")
}

#[wasm_bindgen_test]
async fn a_page_that_is_back_tries_at_once() {
    let come_back: [fn(); 4] = [
        || show(true),
        || happens("online"),
        || happens_to_document("resume"),
        || turns("pageshow", true),
    ];
    let client = lost();
    for come_back in come_back {
        waits(&client).await;
        show(false);
        assert!(matches!(client.state(), ClientState::Waiting(_)));
        come_back();
        assert_eq!(client.state(), ClientState::Connecting);
    }
    waits(&client).await;
    turns("pageshow", false);
    assert!(matches!(client.state(), ClientState::Waiting(_)), "the first of a page");
    show(true);
}

#[wasm_bindgen_test]
async fn without_a_network_it_does_not_try_until_there_is_one() {
    let client = lost();
    waits(&client).await;
    happens("offline");
    assert_eq!(client.state(), ClientState::Offline);
    show(true);
    assert_eq!(client.state(), ClientState::Offline);
    happens("online");
    assert_eq!(client.state(), ClientState::Connecting);
}

#[wasm_bindgen_test]
async fn a_page_that_begins_without_a_network_tries_once() {
    let on_line = "Object.defineProperty(navigator, 'onLine', { value: a, configurable: true })";
    run(on_line, false, JsValue::UNDEFINED);
    let client = lost();
    until(&client, |state| state == ClientState::Offline).await;
    run(on_line, true, JsValue::UNDEFINED);
    happens("online");
    assert_eq!(client.state(), ClientState::Connecting);
}

#[wasm_bindgen_test]
async fn a_program_that_has_cut_the_link_knows_better_than_the_browser() {
    let client = connect();
    opened(&client).await;
    client.go_offline();
    for kind in ["offline", "online"] {
        happens(kind);
        assert_eq!(client.state(), ClientState::Offline);
    }
    show(true);
    turns("pageshow", true);
    assert_eq!(client.state(), ClientState::Offline);
    client.go_online();
    opened(&client).await;
    happens("offline");
    happens("online");
    assert!(client.round_trip().await.is_some(), "the link was only looked at");
}

#[wasm_bindgen_test]
async fn while_hidden_an_open_connection_stays_open() {
    let [client, other] = [connect(), connect()];
    let room = room(&client);
    let elsewhere = other.room(room.name().as_str()).expect("a name");
    let mut events = subscribe(&room);
    begun(&mut events).await;
    show(false);
    publish(&elsewhere, "to the hidden").await;
    assert_eq!(text(&mut events).await, "to the hidden");
    assert!(client.round_trip().await.is_some());
    show(true);
    assert_eq!(client.state(), ClientState::Open);
}

#[wasm_bindgen_test]
async fn a_page_that_is_kept_leaves_its_connection_and_goes_on_when_it_is_shown() {
    let [client, other] = [connect(), connect()];
    let room = room(&client);
    let elsewhere = other.room(room.name().as_str()).expect("a name");
    let mut events = subscribe(&room);
    begun(&mut events).await;
    publish(&elsewhere, "first").await;
    assert_eq!(text(&mut events).await, "first");
    let (member, theirs) = (client.member(), other.member());
    turns("pagehide", true);
    assert_eq!(client.state(), ClientState::Offline);
    turns("pageshow", true);
    opened(&client).await;
    publish(&elsewhere, "second").await;
    assert_eq!(text(&mut events).await, "second");
    assert_eq!((client.member(), other.member()), (member, theirs));
}

#[wasm_bindgen_test]
async fn a_page_that_goes_for_good_says_farewell() {
    let other = connect();
    let room = room(&other);
    let options = SubscribeOptions::default().presence(true);
    let mut events = room.subscribe(options).expect("once");
    begun(&mut events).await;
    assert!(matches!(next(&mut events).await, RoomEvent::Present(_)));
    // The events are those of all clients in the page: this one is to stay.
    let client = connect();
    let elsewhere = client.room(room.name().as_str()).expect("a name");
    let _theirs = elsewhere.subscribe(options).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Joined(_)));
    drop((events, room, other));
    let gone = client.member();
    turns("pagehide", false);
    assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
    let third = connect();
    let room = third.room(elsewhere.name().as_str()).expect("a name");
    let mut events = room.subscribe(options).expect("once");
    loop {
        match next(&mut events).await {
            RoomEvent::Present(members) if !members.iter().any(|member| Some(member) == gone.as_ref()) => return,
            RoomEvent::Left(member) if Some(&member) == gone.as_ref() => return,
            _ => {}
        }
    }
}

/// The date, as far ahead of the system's as it was set.
struct Ahead;

impl Ahead {
    fn set(milliseconds: i32) -> Self {
        let code = "globalThis.realNow ??= Date.now; Date.now = () => realNow() + a";
        run(code, milliseconds, JsValue::UNDEFINED);
        Self
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        run("Date.now = realNow", JsValue::UNDEFINED, JsValue::UNDEFINED);
    }
}

#[wasm_bindgen_test]
async fn a_clock_that_jumped_makes_it_try_at_once() {
    let client = lost();
    waits(&client).await;
    let room = room(&client);
    let ahead = Ahead::set(4_000);
    drop(room.publish("looks at the clock"));
    round_trip().await;
    assert!(
        matches!(client.state(), ClientState::Waiting(_)),
        "it may be a little off"
    );
    drop(ahead);
    drop(room.publish("looks at the clock"));
    let _ahead = Ahead::set(6_000);
    drop(room.publish("looks at the clock"));
    until(&client, |state| state == ClientState::Connecting).await;
}

#[wasm_bindgen_test]
async fn a_client_that_was_dropped_hears_of_nothing() {
    let uncaught = Uncaught::watch();
    let client = connect();
    opened(&client).await;
    drop(client);
    for kind in ["online", "offline", "freeze", "resume"] {
        happens(kind);
    }
    show(false);
    show(true);
    turns("pagehide", true);
    turns("pageshow", true);
    turns("pagehide", false);
    round_trip().await;
    assert!(uncaught.all().is_empty());
}
