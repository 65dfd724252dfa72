//! What a page or a worker lives through, turned into inputs: hidden, frozen, put away, offline, and back.

use std::{rc::Rc, sync::Arc};

use js_sys::{Date, Function};
use tidewire_protocol::client::Input;
use wasm_bindgen::prelude::*;
use web_sys::Event;

use crate::{driver::Shared, inbox::Inbox, options::Persist, store::Store};

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

/// What the page's life is told to.
struct Page {
    client: Arc<Shared<Inbox>>,
    store: Option<Rc<Store>>,
}

impl Life {
    /// Tells a client of the page, and of what the page before left; and from now on, of what happens to the page.
    pub(crate) fn begin(client: &Arc<Shared<Inbox>>, url: &str, persist: Persist) -> Self {
        let store = (persist == Persist::Tab).then(|| Rc::new(Store::new(url)));
        let page = Page {
            client: Arc::clone(client),
            store: store.clone(),
        };
        page.begin();
        let client = Arc::downgrade(client);
        let listener = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            if let Some(client) = client.upgrade() {
                let store = store.clone();
                Page { client, store }.on_event(&event);
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

impl Page {
    fn begin(&self) {
        let (now, session) = (self.client.clock.now(), &mut *self.client.lock());
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
                let inbox = &mut session.sink;
                for (id, room, payload) in session.machine.publishes() {
                    inbox.answers.expect(id);
                    inbox.restored.push((id, room.clone(), payload.clone()));
                }
            }
            Err(why) => session.sink.unsaved = Some(why),
        }
    }

    fn on_event(&self, event: &Event) {
        let client = &self.client;
        let is_kept = || event.unchecked_ref::<PageEvent>().persisted();
        match event.type_().as_str() {
            "online" => self.hear_of_network(Input::Online),
            "offline" => self.hear_of_network(Input::Offline),
            "visibilitychange" if is_hidden() => client.turn(Input::Hidden),
            "visibilitychange" => client.turn(Input::Shown),
            "freeze" => {
                self.save();
                client.turn(Input::Timeout);
            }
            "resume" => self.come_back(),
            // The first of a page says nothing new.
            "pageshow" if is_kept() => self.come_back(),
            "pagehide" => {
                let goes_on = self.save() || is_kept();
                client.turn(if goes_on { Input::Suspend } else { Input::Close });
            }
            _ => {}
        }
    }

    /// The browser says whether there is a network. A program that has cut the link knows better.
    fn hear_of_network(&self, input: Input<'_>) {
        if !self.client.lock().sink.is_cut {
            self.client.turn(input);
        }
    }

    /// The page goes: keeps what the next one needs, if that is wanted. Says whether it could.
    fn save(&self) -> bool {
        let Some(store) = &self.store else { return false };
        let (now, session) = (self.client.clock.now(), &mut *self.client.lock());
        let inbox = &mut session.sink;
        let taken = |id| inbox.subscribers.iter().find(|it| it.id == id)?.taken;
        let Some(saved) = session.machine.save(now, date(), &taken) else {
            return false;
        };
        let put = store.put(&saved);
        if let Err(why) = put {
            // The first reason is the one that is told.
            inbox.unsaved.get_or_insert(why);
        }
        put.is_ok()
    }

    /// The page is back: what was kept is its own again.
    fn come_back(&self) {
        if let Some(store) = &self.store {
            // It was read or written before; where it cannot be now, that was told.
            let _ = store.take();
        }
        self.client.turn(Input::Wake);
    }
}

fn date() -> u64 {
    Date::now() as u64
}

fn is_hidden() -> bool {
    global().document().is_some_and(|document| document.hidden())
}

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
