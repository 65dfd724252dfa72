//! Clients in a service worker.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, unused_imports)] // the other lists use the rest
mod common;
mod elsewhere;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_service_worker);
