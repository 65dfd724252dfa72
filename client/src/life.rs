//! What a page or a worker lives through, turned into inputs: hidden, frozen, put away, offline, and back.

use core::time::Duration;
use std::sync::{Arc, Weak};

use js_sys::{Date, Function};
use tidewire_protocol::client::Input;
use wasm_bindgen::prelude::*;
use web_sys::Event;

use crate::{driver::Shared, sink::Sink};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = addEventListener)]
    fn add_listener(kind: &str, listener: &Function, is_capturing: bool);
    #[wasm_bindgen(js_name = removeEventListener)]
    fn remove_listener(kind: &str, listener: &Function, is_capturing: bool);

    type Global;
    /// The page's window, or the worker itself.
    #[wasm_bindgen(js_namespace = globalThis, js_name = valueOf)]
    fn global() -> Global;
    /// Nothing in a worker.
    #[wasm_bindgen(method, getter)]
    fn document(this: &Global) -> Option<Document>;
    #[wasm_bindgen(method, getter)]
    fn navigator(this: &Global) -> Option<Navigator>;

    type Document;
    #[wasm_bindgen(method, getter)]
    fn hidden(this: &Document) -> bool;

    type Navigator;
    /// Nothing where that is not known.
    #[wasm_bindgen(method, getter, js_name = onLine)]
    fn on_line(this: &Navigator) -> Option<bool>;

    #[wasm_bindgen(extends = Event)]
    type PageEvent;
    /// Whether the page is kept as it is.
    #[wasm_bindgen(method, getter)]
    fn persisted(this: &PageEvent) -> bool;
}

/// Listens to what happens to the page. Dropping it ends this.
#[derive(Debug)]
pub(crate) struct Life {
    /// The collector frees it: it may be what runs when this is dropped.
    listener: Function,
}

impl Life {
    /// For a client that may not be finished yet.
    pub(crate) fn new(client: Weak<Shared<impl Sink>>) -> Self {
        // Of the same type as a socket's handler: each type of closure costs its own glue.
        let listener = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            if let Some(client) = client.upgrade() {
                on_event(&client, &event);
            }
        });
        let listener = listener.into_js_value().unchecked_into();
        // Some are told to the document alone. Capturing, its window hears of them too.
        for kind in KINDS {
            add_listener(kind, &listener, true);
        }
        Self { listener }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        for kind in KINDS {
            remove_listener(kind, &self.listener, true);
        }
    }
}

impl<S: Sink> Shared<S> {
    /// Tells the machine of the page, and of what the page before left.
    pub(crate) fn begin(&self) {
        let (now, session) = (self.clock.now(), &mut *self.lock());
        if global().navigator().and_then(|navigator| navigator.on_line()) == Some(false) {
            session.machine.handle_input(now, Input::Offline);
        }
        if is_hidden() {
            session.machine.handle_input(now, Input::Hidden);
        }
        let Some(store) = &self.store else { return };
        match store.take() {
            Ok(saved) => {
                session.machine.restore(now, date(), &saved);
                for (id, room, payload) in session.machine.publishes() {
                    session.sink.restored(id, room, payload);
                }
            }
            Err(why) => session.leave_unsaved(why),
        }
    }

    /// Time has passed.
    pub(crate) fn ring(self: &Arc<Self>) {
        let due = self.alarm.stop();
        // So late is a timer only where the page was not let run.
        let is_late = due.is_some_and(|due| self.clock.now().since(due) > LATE);
        self.turn(if is_late { Input::Wake } else { Input::Timeout });
    }

    /// The browser says whether there is a network. A program that has cut the link knows better.
    pub(crate) fn hear_of_network(self: &Arc<Self>, input: Input<'_>) {
        if !self.lock().is_cut {
            self.turn(input);
        }
    }

    /// The page goes: keeps what the next one needs, if that is wanted. Says whether it could.
    pub(crate) fn save(&self) -> bool {
        let Some(store) = &self.store else { return false };
        S::before_save(self);
        let (now, session) = (self.clock.now(), &mut *self.lock());
        let sink = &session.sink;
        let Some(saved) = session.machine.save(now, date(), &|id| sink.taken(id)) else {
            return false;
        };
        let put = store.put(&saved);
        if let Err(why) = put {
            session.leave_unsaved(why);
        }
        put.is_ok()
    }

    /// The page is back: what was kept is its own again.
    pub(crate) fn come_back(self: &Arc<Self>) {
        if let Some(store) = &self.store {
            // It was read or written before; where it cannot be now, that was told.
            let _ = store.take();
        }
        self.turn(Input::Wake);
    }
}

fn date() -> u64 {
    Date::now() as u64
}

fn is_hidden() -> bool {
    global().document().is_some_and(|document| document.hidden())
}

fn on_event(client: &Arc<Shared<impl Sink>>, event: &Event) {
    let is_kept = || event.unchecked_ref::<PageEvent>().persisted();
    match event.type_().as_str() {
        "online" => client.hear_of_network(Input::Online),
        "offline" => client.hear_of_network(Input::Offline),
        "visibilitychange" if is_hidden() => client.turn(Input::Hidden),
        "visibilitychange" => client.turn(Input::Shown),
        "freeze" => {
            client.save();
            client.turn(Input::Timeout);
        }
        "resume" => client.come_back(),
        // The first of a page says nothing new.
        "pageshow" if is_kept() => client.come_back(),
        "pagehide" => {
            let goes_on = client.save() || is_kept();
            client.turn(if goes_on { Input::Suspend } else { Input::Close });
        }
        _ => {}
    }
}

const LATE: Duration = Duration::from_secs(5);
/// `unload` and `beforeunload` are not among them: they keep pages out of the back-forward cache.
const KINDS: [&str; 7] = [
    "online",
    "offline",
    "visibilitychange",
    "freeze",
    "resume",
    "pageshow",
    "pagehide",
];
