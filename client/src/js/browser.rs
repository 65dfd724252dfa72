//! The browser's objects, as far as their values are only passed on.
//!
//! Most properties go through one pair of functions by name. A binding of its own for each would cost some 65 bytes of
//! the compressed package, which is more than the name; only what every message needs has one.

use js_sys::{ArrayBuffer, Object};
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

#[wasm_bindgen]
extern "C" {
    /// Any object of JavaScript.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    pub(super) type Record;

    #[wasm_bindgen(constructor, js_class = "Object")]
    pub(super) fn new() -> Record;

    #[wasm_bindgen(constructor, js_class = "Error")]
    pub(super) fn new_error(message: &str) -> Record;

    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &Record, name: &str) -> JsValue;

    #[wasm_bindgen(method, structural, indexing_setter)]
    pub(super) fn set(this: &Record, name: &str, value: &JsValue);

    /// A `WebSocket` whose strings and payloads stay JavaScript values.
    #[wasm_bindgen(extends = WebSocket, js_name = WebSocket)]
    #[derive(Clone)]
    pub(super) type NativeSocket;

    #[wasm_bindgen(constructor, js_class = "WebSocket", catch)]
    pub(super) fn new(url: &JsValue, protocols: &JsValue) -> Result<NativeSocket, JsValue>;

    #[wasm_bindgen(method, js_name = send, catch)]
    pub(super) fn send_value(this: &NativeSocket, data: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, js_name = close, catch)]
    pub(super) fn close_with(this: &NativeSocket, code: f64, reason: &JsValue) -> Result<(), JsValue>;

    /// An event of any of the four types.
    #[wasm_bindgen(js_name = Event)]
    pub(super) type NativeEvent;

    #[wasm_bindgen(method, getter, js_name = type)]
    pub(super) fn kind(this: &NativeEvent) -> JsValue;

    #[wasm_bindgen(method, getter)]
    pub(super) fn data(this: &NativeEvent) -> JsValue;

    #[wasm_bindgen(js_name = RegExp)]
    pub(super) type Pattern;

    #[wasm_bindgen(constructor, js_class = "RegExp")]
    pub(super) fn new(pattern: &str) -> Pattern;

    #[wasm_bindgen(method)]
    pub(super) fn test(this: &Pattern, text: &JsValue) -> bool;

    /// Reports an exception as one that nobody caught.
    #[wasm_bindgen(js_name = reportError)]
    pub(super) fn report_error(exception: &JsValue);
}

/// A property of any object.
pub(super) fn property(object: &JsValue, name: &str) -> JsValue {
    object.unchecked_ref::<Record>().get(name)
}

/// Whether a `WebSocket` sends it as what it is; anything else it would turn into text such as `[object Object]`.
pub(super) fn is_sendable(item: &JsValue) -> bool {
    item.is_string() || ArrayBuffer::is_view(item) || item.is_instance_of::<ArrayBuffer>()
}
