//! Time in a page or a worker.

use core::{cell::Cell, time::Duration};
use std::sync::{Arc, Weak};

use tidewire_protocol::{Instant, client::Input};
use wasm_bindgen::prelude::*;

use super::Timer;
use crate::{driver::Shared, sink::Sink, transport::Endpoint};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = Math)]
    fn random() -> f64;
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

/// A timer, and when it is due. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    due: Cell<Option<Instant>>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            ahead: Cell::new(date_now() - performance_now()),
            slept: Cell::default(),
            has_jumped: Cell::default(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        let time = performance_now();
        let ahead = date_now() - time;
        let jump = ahead - self.ahead.replace(ahead);
        if jump > JUMP_MS {
            self.slept.set(self.slept.get() + jump);
            self.has_jumped.set(true);
        }
        // Not negative, and more than enough for a page's life.
        Instant::new(Duration::from_micros(((time + self.slept.get()) * 1000.) as u64))
    }
}

/// A random number.
pub(crate) fn seed() -> u64 {
    random().to_bits()
}

impl Alarm {
    /// For a client that may not be finished yet.
    pub(crate) fn new(endpoint: &Endpoint, client: Weak<Shared<impl Sink>>, _: &Clock) -> Self {
        Self {
            timer: Timer::new(endpoint, client),
            due: Cell::default(),
        }
    }

    /// The next turn is due then. One that comes too early does no harm, so an earlier one is left as it is.
    pub(crate) fn set(&self, now: Instant, at: Option<Instant>) {
        if let (Some(due), Some(at)) = (self.due.get(), at)
            && due <= at
        {
            return;
        }
        self.stop();
        if let Some(at) = at {
            // Past the largest, browsers do not wait at all. One more, since they do not count fractions.
            let milliseconds = i32::try_from(at.since(now).as_millis()).map_or(i32::MAX, |wait| wait.saturating_add(1));
            self.timer.start(milliseconds);
            self.due.set(Some(at));
        }
    }

    /// The next turn is due once what runs now has finished: a timeout would wait for seconds in a page that is hidden.
    pub(crate) fn soon(&self) {
        self.timer.soon();
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
    fn stop(&self) -> Option<Instant> {
        let due = self.due.take()?;
        self.timer.stop();
        Some(due)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<S: Sink> Shared<S> {
    /// Time has passed.
    pub(crate) fn ring(self: &Arc<Self>) {
        let due = self.alarm.stop();
        // So late is a timer only where the page was not let run.
        let is_late = due.is_some_and(|due| self.clock.now().since(due) > LATE);
        self.turn(if is_late { Input::Wake } else { Input::Timeout });
    }
}

/// The date runs ahead by more only where the system slept, or somebody set it.
const JUMP_MS: f64 = 5000.;
const LATE: Duration = Duration::from_secs(5);
