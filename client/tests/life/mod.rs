//! What a page does to its clients, and what they keep of one another.

mod events;
mod reload;
mod storage;

use js_sys::Function;
use tidewire_client::{Client, ClientOptions, ClientState, Persist, Room, RoomEvent, RoomEvents, SubscribeOptions};
use wasm_bindgen::JsValue;

use crate::common::{fixture, tagged, within};
pub(crate) use crate::common::{next, text};

/// Runs a piece of JavaScript with arguments `a` and `b`.
pub(crate) fn run(code: &str, a: impl Into<JsValue>, b: impl Into<JsValue>) -> JsValue {
    let function = Function::new_with_args("a, b", code);
    function
        .call2(&JsValue::NULL, &a.into(), &b.into())
        .expect("no exception")
}

/// The window hears an event.
pub(crate) fn happens(kind: &str) {
    run("dispatchEvent(new Event(a))", kind, JsValue::UNDEFINED);
}

/// The document hears an event.
pub(crate) fn happens_to_document(kind: &str) {
    run("document.dispatchEvent(new Event(a))", kind, JsValue::UNDEFINED);
}

/// The page is left or shown, and kept as it is or not.
pub(crate) fn turns(kind: &str, is_kept: bool) {
    run(
        "dispatchEvent(new PageTransitionEvent(a, { persisted: b }))",
        kind,
        is_kept,
    );
}

/// The page can be seen or not.
pub(crate) fn show(is_shown: bool) {
    let code = "Object.defineProperty(document, 'hidden', { value: !a, configurable: true })";
    run(code, is_shown, JsValue::UNDEFINED);
    happens_to_document("visibilitychange");
}

pub(crate) fn connect() -> Client {
    Client::connect(&fixture("/ws"), ClientOptions::default()).expect("an address")
}

/// A client that is kept for the page that follows, and whose entry has this name.
pub(crate) fn keep(name: &str) -> Client {
    let mut options = ClientOptions::default();
    options.persist = Persist::Tab;
    Client::connect(&address(name), options).expect("an address")
}

/// The address of the server under a name.
pub(crate) fn address(name: &str) -> String {
    fixture("/ws?") + name
}

pub(crate) fn entry(name: &str) -> Option<String> {
    let key = format!("tidewire {}", address(name));
    run("return sessionStorage.getItem(a)", key, JsValue::UNDEFINED).as_string()
}

pub(crate) fn put_entry(name: &str, value: &str) {
    let key = format!("tidewire {}", address(name));
    run("sessionStorage.setItem(a, b)", key, value);
}

/// A room that no other test has used.
pub(crate) fn room(client: &Client) -> Room {
    client.room(&tagged("room")).expect("a name")
}

pub(crate) fn subscribe(room: &Room) -> RoomEvents {
    room.subscribe(SubscribeOptions::default()).expect("once")
}

pub(crate) async fn begun(events: &mut RoomEvents) {
    assert!(matches!(next(events).await, RoomEvent::Subscribed(_)));
}

pub(crate) async fn publish(room: &Room, text: &str) {
    within("outcome", room.publish(text)).await.expect("accepted");
}

/// Until the client is in such a state.
pub(crate) async fn until(client: &Client, is_it: impl Fn(ClientState) -> bool) {
    let mut states = client.states();
    while !is_it(next(&mut states).await) {}
}

pub(crate) async fn opened(client: &Client) {
    until(client, |state| state == ClientState::Open).await;
}

pub(crate) async fn waits(client: &Client) {
    until(client, |state| matches!(state, ClientState::Waiting(_))).await;
}
