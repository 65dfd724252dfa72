//! A storage that takes nothing, too little, or has what is not ours.

use tidewire_client::{ClientState, CloseCode, Unsaved};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{entry, keep, opened, publish, put_entry, room, run, subscribe, text, turns};
use crate::common::tagged;

/// A method of all storages throws, until this is dropped.
struct Broken(&'static str);

impl Broken {
    fn new(method: &'static str) -> Self {
        let code = "Storage.prototype['was' + a] = Storage.prototype[a];
            Storage.prototype[a] = () => { throw new DOMException('no', 'QuotaExceededError') }";
        run(code, method, JsValue::UNDEFINED);
        Self(method)
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        run(
            "Storage.prototype[a] = Storage.prototype['was' + a]",
            self.0,
            JsValue::UNDEFINED,
        );
    }
}

#[wasm_bindgen_test]
async fn where_nothing_can_be_stored_that_is_told_at_once_and_the_page_says_farewell() {
    for (method, why) in [("getItem", Unsaved::Unavailable), ("setItem", Unsaved::Full)] {
        let _broken = Broken::new(method);
        let client = keep(&tagged("broken"));
        assert_eq!(client.unsaved(), Some(why));
        let room = room(&client);
        let mut events = subscribe(&room);
        publish(&room, "it works").await;
        assert_eq!(text(&mut events).await, "it works");
        drop(events);
        if why == Unsaved::Full {
            turns("pagehide", false);
            assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
        }
    }
}

#[wasm_bindgen_test]
async fn what_is_too_large_is_not_stored() {
    for (bytes, why) in [((1 << 20) - 500, None), (1 << 20, Some(Unsaved::TooLarge))] {
        let name = tagged("large");
        let client = keep(&name);
        opened(&client).await;
        client.go_offline();
        drop(room(&client).publish(vec![200; bytes]));
        turns("pagehide", false);
        assert_eq!(client.unsaved(), why, "{bytes}");
        let is_stored = entry(&name).is_some_and(|entry| !entry.is_empty());
        assert_eq!(is_stored, why.is_none());
        let closed = ClientState::Closed(CloseCode::NORMAL);
        assert_eq!(client.state() == closed, why.is_some());
        put_entry(&name, "");
    }
}

#[wasm_bindgen_test]
async fn an_entry_that_is_not_ours_is_ignored() {
    for foreign in [
        "",
        "{}",
        "\u{3}\u{1}",
        "\u{3}\u{ff}\u{ff}\u{ff}",
        "☃",
        "a long text that says nothing to us",
    ] {
        let name = tagged("foreign");
        put_entry(&name, foreign);
        let client = keep(&name);
        assert!(client.restored().is_empty() && client.unsaved().is_none());
        opened(&client).await;
    }
}
