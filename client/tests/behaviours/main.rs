//! The one list of behaviours, over each transport of the browser's client, and through proxies as people have them.
//! Natively: `tests/tests/behaviours.rs` and `networks.rs`.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, unused_imports)] // the other lists use the rest
#[path = "../common/mod.rs"]
mod common;
mod stage;

use core::pin::pin;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use stage::BrowserStage;
use tidewire_behaviours::Setting;
use tidewire_client::{ClientOptions, TransportKind};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

mod websocket {
    use super::*;

    tidewire_behaviours::each_behaviour!(wasm_bindgen_test, BrowserStage::over(&[TransportKind::Stream]));
}

mod polling {
    use super::*;

    tidewire_behaviours::each_behaviour!(wasm_bindgen_test, BrowserStage::over(&[TransportKind::Polls]));
}

mod first_message {
    use super::*;

    tidewire_behaviours::each_proxy!(wasm_bindgen_test, comes_soon);
}

async fn comes_soon(proxy: &str, setting: Setting) {
    // With what a client has by default.
    let mut stage = BrowserStage {
        options: ClientOptions::default(),
    };
    let came = pin!(tidewire_behaviours::first_message(&mut stage, setting));
    let came = select(came, TimeoutFuture::new(SOON_MS)).await;
    assert!(
        matches!(came, Either::Left(_)),
        "{proxy}: no message within {SOON_MS} ms"
    );
}

/// By then the first message has come.
const SOON_MS: u32 = 5000;
