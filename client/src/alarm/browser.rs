//! Time in a page or a worker.

use core::{cell::Cell, time::Duration};
use std::sync::Weak;

use js_sys::{Date, Function};
use tidewire_protocol::Instant;
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

/// Where a client's time begins: with the page's. It goes on while the system sleeps, which the page's own may not.
#[derive(Debug)]
pub(crate) struct Clock {
    /// How far the date is ahead of the page's time, in milliseconds.
    ahead: Cell<f64>,
    /// How far this is ahead of the page's time.
    slept: Cell<f64>,
    has_jumped: Cell<bool>,
}

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
    pub(crate) fn start() -> Self {
        Self {
            ahead: Cell::new(Date::now() - performance_now()),
            slept: Cell::default(),
            has_jumped: Cell::default(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        let time = performance_now();
        let ahead = Date::now() - time;
        let jump = ahead - self.ahead.replace(ahead);
        if jump > JUMP_MS {
            self.slept.set(self.slept.get() + jump);
            self.has_jumped.set(true);
        }
        // Not negative, and more than enough for a page's life.
        Instant(Duration::from_micros(((time + self.slept.get()) * 1000.) as u64))
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
                client.ring();
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

    /// Whether the clock has jumped since that was asked. A timer that was set before may come too late.
    pub(crate) fn has_jumped(&self, clock: &Clock) -> bool {
        let has_jumped = clock.has_jumped.take();
        if has_jumped {
            self.stop();
        }
        has_jumped
    }

    /// Ends the timer, and says when it was due.
    pub(crate) fn stop(&self) -> Option<Instant> {
        let timer = self.timer.take()?;
        clear_timeout(timer.id);
        Some(timer.at)
    }
}

/// The date runs ahead by more only where the system slept, or somebody set it.
const JUMP_MS: f64 = 5000.;

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}
