//! Transports of the npm package: the browser's WebSocket, or a poll, both of them in `link.js`. A request in JavaScript is a
//! tenth of what it is in Rust.

use core::future::{Ready, ready};
use std::sync::Weak;

use js_sys::{Function, Uint8Array};
use tidewire_protocol::{
    CloseCode,
    client::{Attempt, Input, TransportKind},
};
use wasm_bindgen::prelude::*;

use crate::{driver::Shared, error::ConnectError, sink::Sink};

#[wasm_bindgen(module = "/src/js/link.js")]
extern "C" {
    /// A WebSocket or a poll.
    #[derive(Debug)]
    type Line;

    /// What a line tells: code 0 once it is open, code 1 with a batch, or the code of its end.
    type Told;

    fn open(url: &str, is_poll: bool, tell: &Function) -> Option<Line>;

    /// A WebSocket takes no notice of what a poll needs to know.
    #[wasm_bindgen(method)]
    fn send(this: &Line, batch: &[u8], is_farewell: bool);
    #[wasm_bindgen(method)]
    fn shut(this: &Line);
    #[wasm_bindgen(method, getter, js_name = bufferedAmount)]
    fn buffered_amount(this: &Line) -> u32;

    #[wasm_bindgen(method, getter)]
    fn code(this: &Told) -> u16;
    #[wasm_bindgen(method, getter)]
    fn data(this: &Told) -> Uint8Array;
}

/// Where a server is. The browser checks it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
}

/// A WebSocket or a poll. Once it is dropped, it tells nothing more.
#[derive(Debug)]
pub(crate) struct Transport {
    line: Line,
    /// Called as long as the line is not shut.
    _tell: Closure<dyn Fn(web_sys::Event)>,
}

/// The browser sends what was to be sent, and does not say when.
pub(crate) type Farewell = Ready<()>;

impl Endpoint {
    pub(crate) fn new(url: &str) -> Result<Self, ConnectError> {
        Ok(Self { url: url.into() })
    }
}

impl Transport {
    pub(crate) fn open(
        endpoint: &Endpoint,
        kind: TransportKind,
        attempt: Attempt,
        shared: Weak<Shared<impl Sink>>,
    ) -> Result<Self, ConnectError> {
        // Of the same type as the timer's: each type of closure costs its own glue.
        let tell = Closure::<dyn Fn(web_sys::Event)>::new(move |told: web_sys::Event| {
            let told = told.unchecked_ref::<Told>();
            if let Some(shared) = shared.upgrade() {
                shared.turn(match told.code() {
                    0 => Input::Opened(attempt),
                    1 => return shared.turn(Input::Received(attempt, &told.data().to_vec())),
                    code => Input::Lost(attempt, Some(CloseCode(code))),
                });
            }
        });
        let line = open(
            &endpoint.url,
            kind == TransportKind::Polls,
            tell.as_ref().unchecked_ref(),
        );
        // Whether the address is one, `client.js` can say.
        let line = line.ok_or(ConnectError::Refused)?;
        Ok(Self { line, _tell: tell })
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        self.line.send(&batch, false);
    }

    /// Sends the last batch there is, which is to leave even when the page does.
    pub(crate) fn send_farewell(&self, batch: Vec<u8>) {
        self.line.send(&batch, true);
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.line.buffered_amount() as usize
    }

    pub(crate) fn leave(self) -> Farewell {
        ready(())
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.line.shut();
    }
}
