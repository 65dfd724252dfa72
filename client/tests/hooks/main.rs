//! The hooks for Yew, in components that are mounted in a page. Where a test guards against a defect that another library
//! had, it says which.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../common/mod.rs"]
mod common;
mod endurance;
mod events;
mod lifetimes;
mod presence;
mod provider;
mod publishing;
mod reducer;
mod stage;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
