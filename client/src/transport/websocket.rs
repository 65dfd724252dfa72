//! The browser's WebSocket as a transport.

use std::sync::{Arc, Weak};

use js_sys::{ArrayBuffer, Uint8Array};
use tidewire_protocol::{
    CloseCode,
    client::{Attempt, Input},
};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use crate::{driver::Shared, sink::Sink, socket::Link};

/// Tells of all that comes of a WebSocket. Dropping the link takes its handler off and closes it; what was sent before is sent.
pub(super) fn follow(socket: WebSocket, attempt: Attempt, shared: Weak<Shared<impl Sink>>) -> Link {
    Link::new(socket, move |_, event| {
        if let Some(shared) = shared.upgrade() {
            on_event(&shared, attempt, event);
        }
    })
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
