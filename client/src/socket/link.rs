//! A browser WebSocket and our handler on it, as values whose drop undoes them.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, Event, WebSocket};

/// A browser WebSocket with one handler for its four events. Dropping it takes the handler off, then closes.
///
/// The handler may drop the link that calls it: what it captured lives until it returns.
#[derive(Debug)]
pub(crate) struct Link {
    // Fields drop in this order. `close()` reports later, and by then there must be nothing left to call.
    _handlers: Handlers,
    connection: Connection,
}

impl Link {
    /// Takes a socket that was made just now, before the browser could report anything of it.
    pub(crate) fn new(socket: WebSocket, handler: impl Fn(&WebSocket, &Event) + 'static) -> Self {
        // Set once and never changed: a blob is read later than it came, and text would overtake it.
        socket.set_binary_type(BinaryType::Arraybuffer);
        Self {
            _handlers: Handlers::install(&socket, handler),
            connection: Connection(socket),
        }
    }

    pub(crate) fn socket(&self) -> &WebSocket {
        &self.connection.0
    }
}

#[derive(Debug)]
struct Connection(WebSocket);

impl Drop for Connection {
    fn drop(&mut self) {
        // 1000 is always allowed, and a socket that is closing already ignores it.
        let _ = self.0.close_with_code(1000);
    }
}

#[derive(Debug)]
struct Handlers {
    socket: WebSocket,
    closure: Closure<dyn Fn(Event)>,
}

impl Handlers {
    fn install(socket: &WebSocket, handler: impl Fn(&WebSocket, &Event) + 'static) -> Self {
        let subject = socket.clone();
        let handlers = Self {
            socket: socket.clone(),
            closure: Closure::new(move |event: Event| handler(&subject, &event)),
        };
        handlers.set(Some(handlers.closure.as_ref().unchecked_ref()));
        handlers
    }

    fn set(&self, handler: Option<&js_sys::Function>) {
        self.socket.set_onopen(handler);
        self.socket.set_onmessage(handler);
        self.socket.set_onerror(handler);
        self.socket.set_onclose(handler);
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        self.set(None);
    }
}
