//! Time in a page or a worker.

use core::{cell::Cell, time::Duration};
use std::sync::Weak;

use js_sys::Function;
use tidewire_protocol::{Instant, client::Input};
use wasm_bindgen::prelude::*;

use crate::{driver::Shared, sink::Sink};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: i32) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: i32);
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(callback: &Function);
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Where a client's time begins: with the page's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock;

/// A timer of the browser's. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The collector frees it: a microtask cannot be taken back, and may call it after this was dropped.
    ring: Function,
    timer: Cell<Option<Timer>>,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    id: i32,
    at: Instant,
}

impl Clock {
    pub(crate) const fn start() -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "the native one has a beginning of its own")]
    pub(crate) fn now(&self) -> Instant {
        // Not negative, and more than enough for a page's life.
        Instant(Duration::from_micros((performance_now() * 1000.) as u64))
    }
}

/// A random number.
pub(crate) fn seed() -> u64 {
    js_sys::Math::random().to_bits()
}

impl Alarm {
    /// For a client that may not be finished yet.
    pub(crate) fn new(client: Weak<Shared<impl Sink>>, _: &Clock) -> Self {
        // Of the same type as a socket's handler, which takes an event: each type of closure costs its own glue.
        let ring = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
            if let Some(client) = client.upgrade() {
                client.alarm().stop();
                client.turn(Input::Timeout);
            }
        });
        Self {
            ring: ring.into_js_value().unchecked_into(),
            timer: Cell::default(),
        }
    }

    /// The next turn is due then. One that comes too early does no harm, so an earlier one is left as it is.
    pub(crate) fn set(&self, now: Instant, at: Option<Instant>) {
        if let (Some(timer), Some(at)) = (self.timer.get(), at)
            && timer.at <= at
        {
            return;
        }
        self.stop();
        if let Some(at) = at {
            // Past the largest, browsers do not wait at all. One more, since they do not count fractions.
            let milliseconds = i32::try_from(at.since(now).as_millis()).map_or(i32::MAX, |wait| wait.saturating_add(1));
            let id = set_timeout(&self.ring, milliseconds);
            self.timer.set(Some(Timer { id, at }));
        }
    }

    /// The next turn is due once what runs now has finished: a timeout would wait for seconds in a page that is hidden.
    pub(crate) fn soon(&self) {
        queue_microtask(&self.ring);
    }

    fn stop(&self) {
        if let Some(timer) = self.timer.take() {
            clear_timeout(timer.id);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}
