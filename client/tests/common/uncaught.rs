//! Exceptions that nobody caught.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;

use super::Notes;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = addEventListener)]
    fn add_event_listener(kind: &str, listener: &Function);
    #[wasm_bindgen(js_name = removeEventListener)]
    fn remove_event_listener(kind: &str, listener: &Function);

    type ErrorEvent;
    #[wasm_bindgen(method, js_name = preventDefault)]
    fn prevent_default(this: &ErrorEvent);
}

/// Notes the exceptions that nobody caught while it lives, in a page or a worker.
pub(crate) struct Uncaught {
    exceptions: Notes<JsValue>,
    listener: Closure<dyn Fn(ErrorEvent)>,
}

impl Uncaught {
    pub(crate) fn watch() -> Self {
        let exceptions = Notes::new();
        let note = exceptions.pen();
        let listener = Closure::<dyn Fn(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            note(Reflect::get(&event, &"error".into()).unwrap());
        });
        add_event_listener("error", listener.as_ref().unchecked_ref());
        Self { exceptions, listener }
    }

    pub(crate) fn all(&self) -> Vec<JsValue> {
        self.exceptions.all()
    }
}

impl Drop for Uncaught {
    fn drop(&mut self) {
        remove_event_listener("error", self.listener.as_ref().unchecked_ref());
    }
}
