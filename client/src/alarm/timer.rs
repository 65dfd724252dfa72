//! The timer of a page or a worker.

use core::cell::Cell;
use std::sync::Weak;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{driver::Shared, sink::Sink, transport::Endpoint};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: i32) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: i32);
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(callback: &Function);
}

/// A timer of the browser's, which rings its client.
#[derive(Debug)]
pub(super) struct Timer {
    /// The collector frees it: a microtask cannot be taken back, and may call it after this was dropped.
    ring: Function,
    id: Cell<Option<i32>>,
}

impl Timer {
    /// For a client that may not be finished yet.
    pub(super) fn new(_: &Endpoint, client: Weak<Shared<impl Sink>>) -> Self {
        let ring = Closure::<dyn Fn()>::new(move || {
            if let Some(client) = client.upgrade() {
                client.ring();
            }
        });
        Self {
            ring: ring.into_js_value().unchecked_into(),
            id: Cell::default(),
        }
    }

    pub(super) fn start(&self, milliseconds: i32) {
        self.id.set(Some(set_timeout(&self.ring, milliseconds)));
    }

    pub(super) fn stop(&self) {
        if let Some(id) = self.id.take() {
            clear_timeout(id);
        }
    }

    pub(super) fn soon(&self) {
        queue_microtask(&self.ring);
    }
}
