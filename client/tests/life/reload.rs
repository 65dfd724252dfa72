//! What a page leaves to the one that follows. The one that follows is another client, at the same address.

use tidewire_client::{ClientState, OwnedPayload, SubscribeOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{begun, connect, entry, happens_to_document, keep, opened, publish, room, subscribe, text, turns};
use crate::common::{tagged, within};

#[wasm_bindgen_test]
async fn the_session_its_rooms_and_its_publishes_go_on() {
    let name = tagged("reload");
    let (before, other) = (keep(&name), connect());
    let room = room(&before);
    let elsewhere = other.room(room.name().as_str()).expect("a name");
    let mut events = subscribe(&room);
    begun(&mut events).await;
    let member = before.member();
    assert_eq!(
        entry(&name).as_deref(),
        Some(""),
        "while the page lives there is nothing to copy"
    );
    publish(&elsewhere, "taken").await;
    assert_eq!(text(&mut events).await, "taken");
    publish(&elsewhere, "not taken").await;
    // It waits in the client, or is on its way.
    before.go_offline();
    drop(room.publish("published before"));
    drop(room.publish(vec![0, 255]));
    turns("pagehide", false);
    assert_eq!(before.state(), ClientState::Offline);
    assert_eq!(before.unsaved(), None);
    drop((events, room, before));

    let after = keep(&name);
    assert_eq!(entry(&name).as_deref(), Some(""));
    let restored = after.restored();
    assert!(after.restored().is_empty(), "once");
    let room = after.room(elsewhere.name().as_str()).expect("a name");
    let mut events = subscribe(&room);
    let payloads: Vec<_> = restored.iter().map(|it| it.payload.clone()).collect();
    assert_eq!(payloads, ["published before".into(), OwnedPayload::from(vec![0, 255])]);
    for (offset, restored) in (3..).zip(restored) {
        assert_eq!(&restored.room, room.name());
        let position = within("outcome", restored.publishing).await.expect("accepted");
        assert_eq!(position.offset.0, offset);
    }
    assert_eq!(text(&mut events).await, "not taken");
    assert_eq!(text(&mut events).await, "published before");
    assert_eq!(after.member(), member);
}

#[wasm_bindgen_test]
async fn a_page_that_is_kept_takes_back_what_it_left() {
    let name = tagged("kept");
    let client = keep(&name);
    opened(&client).await;
    let member = client.member();
    turns("pagehide", true);
    assert_ne!(entry(&name).as_deref(), Some(""));
    turns("pageshow", true);
    assert_eq!(entry(&name).as_deref(), Some(""));
    opened(&client).await;
    assert_eq!(client.member(), member);
    happens_to_document("freeze");
    assert_ne!(entry(&name).as_deref(), Some(""));
    assert_eq!(client.state(), ClientState::Open, "a frozen page has its connection");
    happens_to_document("resume");
    assert_eq!(entry(&name).as_deref(), Some(""));
}

#[wasm_bindgen_test]
async fn of_a_frozen_page_and_its_copy_each_has_a_session_in_the_end() {
    let name = tagged("copy");
    let frozen = keep(&name);
    let room = room(&frozen);
    let mut events = subscribe(&room);
    begun(&mut events).await;
    let member = frozen.member();
    happens_to_document("freeze");
    let copy = keep(&name);
    opened(&copy).await;
    assert_eq!(copy.member(), member);
    publish(&copy.room(room.name().as_str()).expect("a name"), "of the copy").await;
    happens_to_document("resume");
    assert_eq!(text(&mut events).await, "of the copy");
    publish(&room, "of the other").await;
    assert_eq!(text(&mut events).await, "of the other");
    assert_ne!(frozen.member(), member);
    assert_eq!(copy.member(), member);
    assert!(copy.round_trip().await.is_some() && frozen.round_trip().await.is_some());
}

#[wasm_bindgen_test]
async fn a_start_that_was_asked_for_is_kept_to() {
    let name = tagged("start");
    let before = keep(&name);
    let room = room(&before);
    let mut events = subscribe(&room);
    for number in ["1", "2", "3"] {
        publish(&room, number).await;
        assert_eq!(text(&mut events).await, number);
    }
    turns("pagehide", false);
    drop((events, before));
    let after = keep(&name);
    let room = after.room(room.name().as_str()).expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default().last(2)).expect("once");
    for number in ["2", "3"] {
        assert_eq!(text(&mut events).await, number);
    }
}

#[wasm_bindgen_test]
async fn a_client_that_is_closed_leaves_nothing() {
    let name = tagged("closed");
    let client = keep(&name);
    opened(&client).await;
    let member = client.member();
    client.close().await;
    turns("pagehide", false);
    assert_eq!(entry(&name).as_deref(), Some(""));
    let next = keep(&name);
    opened(&next).await;
    assert_ne!(next.member(), member);
}
