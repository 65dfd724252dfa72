//! The one list of behaviours, over each transport of the browser's client, and through proxies as people have them.
//! Natively: `tests/tests/behaviours.rs` and `networks.rs`.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, unused_imports)] // the other lists use the rest
#[path = "../common/mod.rs"]
mod common;
mod stage;

use stage::BrowserStage;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

mod websocket {
    use super::*;

    tidewire_behaviours::each_behaviour!(wasm_bindgen_test, BrowserStage::over_websockets());
}
