//! Who listens to what.

use std::cell::{Cell, RefCell};

use js_sys::Function;
use wasm_bindgen::JsValue;

/// The types of event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Message,
    Error,
    Close,
}

impl Kind {
    /// Compares JavaScript strings with each other: to read one in the module takes more code, and more time.
    pub(super) fn parse(name: &JsValue) -> Option<Self> {
        // The frequent one first.
        [Self::Message, Self::Open, Self::Error, Self::Close]
            .into_iter()
            .find(|kind| *name == JsValue::from_str(kind.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Message => "message",
            Self::Error => "error",
            Self::Close => "close",
        }
    }
}

/// Listeners in the order they were added. Nothing is borrowed while one runs.
#[derive(Default)]
pub(super) struct Listeners {
    entries: RefCell<Vec<Entry>>,
    last_id: Cell<u32>,
}

struct Entry {
    id: u32,
    kind: Kind,
    listener: Function,
}

/// How far the listeners of one event were called.
pub(super) struct Turn {
    kind: Kind,
    /// The listener called last.
    called: u32,
    /// The newest listener when the event came: what is added meanwhile waits for the next event, as with the
    /// browser's own.
    last: u32,
}

impl Listeners {
    /// Adds a listener and returns its id.
    pub(super) fn add(&self, kind: Kind, listener: Function) -> u32 {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        self.entries.borrow_mut().push(Entry { id, kind, listener });
        id
    }

    /// Removes a listener that may have been removed before; returns whether none is left.
    pub(super) fn remove(&self, id: u32) -> bool {
        let mut entries = self.entries.borrow_mut();
        entries.retain(|entry| entry.id != id);
        entries.is_empty()
    }

    pub(super) fn clear(&self) {
        self.entries.take();
    }

    pub(super) fn turn(&self, kind: Kind) -> Turn {
        Turn {
            kind,
            called: 0,
            last: self.last_id.get(),
        }
    }

    /// The next listener to call; one that was removed since the turn began is passed over.
    pub(super) fn next(&self, turn: &mut Turn) -> Option<Function> {
        let entries = self.entries.borrow();
        let entry = entries
            .iter()
            .find(|entry| entry.kind == turn.kind && entry.id > turn.called && entry.id <= turn.last)?;
        turn.called = entry.id;
        Some(entry.listener.clone())
    }
}
