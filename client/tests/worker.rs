//! The socket in a dedicated worker, where there is no `window`: the same list as in a page.
#![cfg(target_arch = "wasm32")]

mod behaviour;
mod common;
mod elsewhere;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);
