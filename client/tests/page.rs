//! A client and what its page lives through. The events are made here; what the browser does besides is not tried.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code)] // the other lists use the rest
mod common;
mod life;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
