//! Outside a page, in a worker: what is there works, and what is not changes nothing else.

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, OwnedPayload, Persist, RoomEvent, SubscribeOptions, TransportKind, Unsaved,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{fixture, tagged, within};

#[wasm_bindgen_test]
async fn a_client_joins_a_room_and_hears_a_message() {
    joins_and_hears(TransportKind::Stream).await;
}

#[wasm_bindgen_test]
async fn over_polls_it_is_the_same() {
    joins_and_hears(TransportKind::Polls).await;
}

async fn joins_and_hears(kind: TransportKind) {
    let mut options = ClientOptions::default();
    options.transports = vec![kind];
    let client = Client::connect(&fixture("/ws"), options).expect("an address");
    let room = client.room(&tagged("room")).expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    let event = within("event", events.next()).await;
    assert!(matches!(event, Some(RoomEvent::Subscribed(_))), "{event:?}");
    within("outcome", room.publish("hello")).await.expect("accepted");
    let Some(RoomEvent::Message { payload, .. }) = within("event", events.next()).await else {
        panic!("not a message");
    };
    assert_eq!(payload, OwnedPayload::from("hello"));
    assert_eq!(client.transport(), Some(kind));
}

#[wasm_bindgen_test]
async fn there_is_no_session_storage() {
    let mut options = ClientOptions::default();
    options.persist = Persist::Tab;
    let client = Client::connect(&fixture("/ws"), options).expect("an address");
    assert_eq!(client.unsaved(), Some(Unsaved::Unavailable));
    assert!(client.restored().is_empty());
    let room = client.room(&tagged("room")).expect("a name");
    within("outcome", room.publish("it works")).await.expect("accepted");
}
