//! The browser's WebSocket.

use core::future::{Ready, ready};
use std::sync::{Arc, Weak};

use js_sys::{ArrayBuffer, Uint8Array};
use tidewire_protocol::{
    CloseCode,
    client::{Attempt, Input, TransportKind},
};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use crate::{
    driver::Shared,
    error::ConnectError,
    sink::Sink,
    socket::{Link, connect_error, send_binary},
};

/// Where a server is. The browser checks it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
}

/// A WebSocket. Dropping it takes its handler off and closes it; what was sent before is sent.
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
        _: TransportKind,
        attempt: Attempt,
        shared: Weak<Shared<impl Sink>>,
    ) -> Result<Self, ConnectError> {
        let socket = WebSocket::new(&endpoint.url).map_err(|exception| connect_error(&exception, &[]))?;
        let link = Link::new(socket, move |_, event| {
            if let Some(shared) = shared.upgrade() {
                on_event(&shared, attempt, event);
            }
        });
        Ok(Self { link })
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        // A socket that takes nothing any more is about to say so.
        let _ = send_binary(self.link.socket(), &batch);
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.link.socket().buffered_amount() as usize
    }

    pub(crate) fn leave(self) -> Farewell {
        ready(())
    }
}

fn on_event(shared: &Arc<Shared<impl Sink>>, attempt: Attempt, event: &Event) {
    // The four types are the browser's promise of the interface, so the casts need no check of it.
    match event.type_().as_str() {
        "message" => {
            let data = event.unchecked_ref::<MessageEvent>().data();
            if data.is_instance_of::<ArrayBuffer>() {
                shared.turn(Input::Received(attempt, &Uint8Array::new(&data).to_vec()));
            } else {
                // The protocol has no text. Another server may be better.
                shared.turn(Input::Lost(attempt, Some(CloseCode::INTERNAL_ERROR)));
            }
        }
        "open" => shared.turn(Input::Opened(attempt)),
        "close" => {
            let code = event.unchecked_ref::<CloseEvent>().code();
            shared.turn(Input::Lost(attempt, Some(CloseCode(code))));
        }
        _ => {}
    }
}
