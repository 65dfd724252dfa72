//! A timer of one task, which costs next to nothing to ask before it is due.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes its task at a moment that can be moved.
#[derive(Debug)]
pub(crate) struct Timer {
    /// When it fires; here too, so that a task that wakes before need not look at the timer.
    at: Instant,
    sleep: Pin<Box<Sleep>>,
    /// Whether the task is woken by it.
    is_polled: bool,
}

impl Timer {
    pub(crate) fn new(at: Instant) -> Self {
        Self {
            at,
            sleep: Box::pin(sleep_until(at)),
            is_polled: false,
        }
    }

    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    pub(crate) fn set(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at);
        self.at = at;
        self.is_polled = false;
    }

    /// As of a future, but that it is always the same task that polls.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_polled && Instant::now() < self.at {
            return Poll::Pending;
        }
        self.is_polled = true;
        self.sleep.as_mut().poll(cx)
    }
}
