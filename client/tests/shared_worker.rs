//! Clients in a shared worker.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, unused_imports)] // the other lists use the rest
mod common;
mod elsewhere;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_shared_worker);
