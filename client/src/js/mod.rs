//! The JavaScript surface: the class `Socket` of the npm package.
//!
//! Conversions only. What is sent and received stays a JavaScript value throughout and never passes through the memory
//! of the module. The types that TypeScript sees are written by hand in `socket.d.ts`.

mod browser;
mod error;
mod listeners;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Function, JsString, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use self::browser::{NativeEvent, NativeSocket, Record, property};
use self::listeners::{Kind, Listeners};
use crate::socket::ReadyState;
use crate::socket::link::Link;
use crate::socket::options::DEFAULT_MAX_BUFFERED_BYTES;

// The default allocator is a quarter of the package.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &'static str = include_str!("socket.d.ts");

/// The class `Socket` of JavaScript.
///
/// Its methods take `&self` and borrow nothing while a listener runs, so listeners may call any of them.
#[wasm_bindgen(js_name = Socket, skip_typescript)]
#[derive(Debug)]
pub struct JsSocket {
    shared: Rc<Shared>,
}

/// What handle and handlers share.
struct Shared {
    native: NativeSocket,
    /// Until the connection is over or the socket disposed of.
    link: RefCell<Option<Link>>,
    listeners: Listeners,
    /// Itself, while there are listeners and a link that may call them: like a WebSocket of the browser, a socket
    /// whose handle was collected goes on for as long as somebody listens to it.
    myself: Cell<Option<Rc<Self>>>,
    max_buffered_bytes: f64,
}

#[wasm_bindgen(js_class = Socket)]
impl JsSocket {
    /// Starts connecting.
    ///
    /// # Errors
    ///
    /// When the browser refuses to try.
    #[wasm_bindgen(constructor, skip_jsdoc)]
    pub fn new(url: &JsValue, options: &JsValue) -> Result<Self, JsValue> {
        let option = |name| {
            if options.is_object() {
                property(options, name)
            } else {
                JsValue::UNDEFINED
            }
        };
        let protocols = option("protocols");
        let max_buffered_bytes = option("maxBufferedBytes");
        let native = NativeSocket::new(url, &protocols).map_err(|exception| error::connect(exception, &protocols))?;
        let shared = Rc::new(Shared {
            native,
            link: RefCell::default(),
            listeners: Listeners::default(),
            myself: Cell::default(),
            max_buffered_bytes: if max_buffered_bytes.is_undefined() {
                DEFAULT_MAX_BUFFERED_BYTES.into()
            } else {
                max_buffered_bytes.unchecked_into_f64()
            },
        });
        let weak = Rc::downgrade(&shared);
        let link = Link::new(shared.native.clone().into(), move |_, event| {
            if let Some(shared) = weak.upgrade() {
                shared.dispatch(event.unchecked_ref());
            }
        });
        shared.link.replace(Some(link));
        Ok(Self { shared })
    }

    /// Adds a listener and returns the function that removes it.
    ///
    /// # Errors
    ///
    /// When there is no such type of event, or the listener is no function.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn on(&self, kind: &JsValue, listener: &JsValue) -> Result<JsValue, JsValue> {
        let (Some(kind), Some(listener)) = (Kind::parse(kind), listener.dyn_ref::<Function>()) else {
            return Err(error::listener(listener));
        };
        let id = self.shared.listeners.add(kind, listener.clone());
        self.shared.keep_alive();
        Ok(undo(Rc::downgrade(&self.shared), id))
    }

    /// Sends text, or bytes.
    ///
    /// # Errors
    ///
    /// When it was not sent; the error holds `item`.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn send(&self, item: &JsValue) -> Result<(), JsValue> {
        let native = &self.shared.native;
        let problem = if native.ready_state() != WebSocket::OPEN {
            error::NOT_OPEN
        } else if f64::from(native.buffered_amount()) > self.shared.max_buffered_bytes {
            error::BUFFER_FULL
        } else if !browser::is_sendable(item) {
            error::REJECTED
        } else {
            match native.send_value(item) {
                Ok(()) => return Ok(()),
                Err(_) => error::REJECTED,
            }
        };
        Err(error::send(&problem, item))
    }

    /// Starts the closing handshake.
    ///
    /// # Errors
    ///
    /// When the browser accepts the code or the reason not.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn close(&self, code: Option<f64>, reason: &JsValue) -> Result<(), JsValue> {
        let native = &self.shared.native;
        native.close_with(code.unwrap_or(1000.), reason).map_err(error::close)
    }

    /// `connecting`, `open`, `closing` or `closed`.
    #[wasm_bindgen(getter, js_name = readyState, skip_jsdoc)]
    #[must_use]
    pub fn ready_state(&self) -> JsString {
        JsString::from(match ReadyState::of(&self.shared.native) {
            ReadyState::Connecting => "connecting",
            ReadyState::Open => "open",
            ReadyState::Closing => "closing",
            ReadyState::Closed => "closed",
        })
    }

    /// How many bytes wait to be sent.
    #[wasm_bindgen(getter, js_name = bufferedAmount, skip_jsdoc)]
    #[must_use]
    pub fn buffered_amount(&self) -> u32 {
        self.shared.native.buffered_amount()
    }

    /// The subprotocol that the server chose.
    #[wasm_bindgen(getter, skip_jsdoc)]
    #[must_use]
    pub fn protocol(&self) -> JsValue {
        property(&self.shared.native, "protocol")
    }

    /// The address as the browser resolved it.
    #[wasm_bindgen(getter, skip_jsdoc)]
    #[must_use]
    pub fn url(&self) -> JsValue {
        property(&self.shared.native, "url")
    }

    /// Removes all listeners and closes the connection.
    ///
    /// wasm-bindgen gives every class a `free` that drops the Rust value, which it also does when the handle was
    /// collected, and makes it `Symbol.dispose`. A method of that name takes its place in both, so that the two can be
    /// told apart: a socket lives on without its handle, and a socket that was disposed of can still be asked for its
    /// state.
    #[wasm_bindgen(js_name = free, skip_jsdoc)]
    pub fn dispose(&self) {
        self.shared.end();
    }
}

impl Shared {
    fn dispatch(&self, event: &NativeEvent) {
        let kind = event.kind();
        let Some(kind) = Kind::parse(&kind) else { return };
        let mut description = None;
        let mut turn = self.listeners.turn(kind);
        while let Some(listener) = self.listeners.next(&mut turn) {
            let description = description.get_or_insert_with(|| self.describe(kind, event));
            // As with the browser's own events: an exception is reported, and the others are still called.
            if let Err(exception) = listener.call1(&JsValue::UNDEFINED, description) {
                browser::report_error(&exception);
            }
        }
        if kind == Kind::Close {
            self.end();
        }
    }

    /// A plain object, as the interfaces in `socket.d.ts` describe it.
    fn describe(&self, kind: Kind, event: &NativeEvent) -> Record {
        let description = Record::new();
        description.set("type", &event.kind());
        match kind {
            Kind::Open => description.set("protocol", &property(&self.native, "protocol")),
            Kind::Message => {
                let data = event.data();
                if data.is_string() {
                    description.set("data", &data);
                } else {
                    // A view: the bytes stay where the browser put them.
                    description.set("data", &Uint8Array::new(&data));
                }
            }
            Kind::Error => {}
            Kind::Close => ["code", "reason", "wasClean"]
                .into_iter()
                .for_each(|name| description.set(name, &property(event, name))),
        }
        description
    }

    fn keep_alive(self: &Rc<Self>) {
        if self.link.borrow().is_some() {
            self.myself.set(Some(self.clone()));
        }
    }

    fn remove(&self, id: u32) {
        if self.listeners.remove(id) {
            drop(self.myself.take());
        }
    }

    /// Nothing more is delivered.
    fn end(&self) {
        let link = self.link.take();
        self.listeners.clear();
        drop(link);
        drop(self.myself.take());
    }
}

fn undo(shared: Weak<Shared>, id: u32) -> JsValue {
    // Of the same type as the socket's handler, which takes an event: each type of closure costs its own glue.
    let undo = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
        if let Some(shared) = shared.upgrade() {
            shared.remove(id);
        }
    });
    // The collector frees it with the function.
    undo.into_js_value()
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
