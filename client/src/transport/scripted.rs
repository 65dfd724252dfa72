//! Transports of the npm package: the browser's WebSocket, or a poll of `poll.js`, which is like one. A request in
//! JavaScript is a tenth of what it is in Rust.

use core::future::{Ready, ready};
use std::sync::Weak;

use tidewire_protocol::client::{Attempt, TransportKind};
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::websocket::follow;
use crate::{
    driver::Shared,
    error::ConnectError,
    sink::Sink,
    socket::{Link, connect_error},
};

#[wasm_bindgen(module = "/src/js/poll.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn poll(url: &str) -> Result<WebSocket, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A WebSocket or a poll.
    type Line;

    /// A WebSocket takes no notice of what a poll needs to know.
    #[wasm_bindgen(method, catch)]
    fn send(this: &Line, batch: &[u8], is_farewell: bool) -> Result<(), JsValue>;
}

/// Where a server is. The browser checks it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
}

/// A WebSocket or a poll. Once it is dropped, it tells nothing more.
#[derive(Debug)]
pub(crate) struct Transport {
    link: Link,
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
        let socket = match kind {
            TransportKind::Stream => WebSocket::new(&endpoint.url),
            TransportKind::Polls => poll(&endpoint.url),
        };
        let socket = socket.map_err(|exception| connect_error(&exception, &[]))?;
        Ok(Self {
            link: follow(socket, attempt, shared),
        })
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        self.say(&batch, false);
    }

    /// Sends the last batch there is, which is to leave even when the page does.
    pub(crate) fn send_farewell(&self, batch: Vec<u8>) {
        self.say(&batch, true);
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.link.socket().buffered_amount() as usize
    }

    pub(crate) fn leave(self) -> Farewell {
        ready(())
    }

    fn say(&self, batch: &[u8], is_farewell: bool) {
        // A socket that takes nothing any more is about to say so.
        let _ = self.link.socket().unchecked_ref::<Line>().send(batch, is_farewell);
    }
}
