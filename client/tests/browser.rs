//! The socket in a page.
#![cfg(target_arch = "wasm32")]

mod behaviour;
mod common;

use common::{drained, fixture, get, open, tagged};
use futures_util::future::join_all;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// yawc#45: without a `Drop`, 50 sockets connected and dropped were 50 sockets open.
#[wasm_bindgen_test]
async fn a_thousand_sockets_opened_and_dropped_leave_none_open() {
    let tag = tagged("thousand");
    let url = fixture(&format!("/fixture/tagged/{tag}"));
    // Five at a time: Chromium makes a page wait that has many connections pending.
    for _ in 0..200 {
        let batch = join_all((0..5).map(|_| open(&url))).await;
        drop(batch);
    }
    drained(&tag).await;
    assert_eq!(get(&format!("/fixture/opened/{tag}")).await, (200, "1000".into()));
    assert_eq!(get(&format!("/fixture/open/{tag}")).await, (200, "0".into()));
}
