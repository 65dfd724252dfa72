//! The bounded queue between a socket's handler and its stream of events.

use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use futures_core::Stream;
use tidewire_protocol::CloseCode;

use super::event::{Close, Event};

/// The events of a [`Socket`](crate::Socket), in order.
///
/// Ends after [`Event::Close`]; when the socket was dropped, after what had come by then. Dropping it discards what it
/// holds and what is to come.
#[derive(Debug)]
pub struct Events {
    queue: Rc<RefCell<Queue>>,
}

/// The handler's end. Dropping it ends the stream.
pub(super) struct Sender {
    // Weak, so that a stream that was dropped holds nothing.
    queue: Weak<RefCell<Queue>>,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is in the queue, or nobody wants it.
    Taken,
    /// The queue was full. It now ends with a close that says so.
    Overrun,
}

#[derive(Debug)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    max_bytes: usize,
    /// Nothing is pushed any more.
    ended: bool,
    waker: Option<Waker>,
}

/// A queue that holds at most `max_bytes` of messages.
pub(super) fn channel(max_bytes: usize) -> (Sender, Events) {
    let queue = Rc::new(RefCell::new(Queue {
        events: VecDeque::new(),
        bytes: 0,
        max_bytes,
        ended: false,
        waker: None,
    }));
    let sender = Sender {
        queue: Rc::downgrade(&queue),
    };
    (sender, Events { queue })
}

impl Sender {
    /// Puts an event into the queue. [`wake`](Self::wake) is to follow.
    pub(super) fn push(&self, event: Event) -> Pushed {
        self.queue
            .upgrade()
            .map_or(Pushed::Taken, |queue| queue.borrow_mut().push(event))
    }

    /// Wakes the task that waits for the stream.
    pub(super) fn wake(&self) {
        if let Some(queue) = self.queue.upgrade() {
            let waker = queue.borrow_mut().waker.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.upgrade() {
            queue.borrow_mut().ended = true;
        }
        self.wake();
    }
}

impl Queue {
    fn push(&mut self, event: Event) -> Pushed {
        if self.ended {
            return Pushed::Taken;
        }
        let bytes = self.bytes.saturating_add(cost(&event));
        if bytes > self.max_bytes {
            self.end_with(overrun());
            return Pushed::Overrun;
        }
        self.bytes = bytes;
        match event {
            Event::Close(close) => self.end_with(close),
            event => self.events.push_back(event),
        }
        Pushed::Taken
    }

    fn end_with(&mut self, close: Close) {
        self.events.push_back(Event::Close(close));
        self.ended = true;
    }

    fn poll_pop(&mut self) -> Poll<Option<Event>> {
        match self.events.pop_front() {
            Some(event) => {
                self.bytes -= cost(&event);
                Poll::Ready(Some(event))
            }
            None if self.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let popped = self.queue.borrow_mut().poll_pop();
        if popped.is_pending() {
            // A waker's clone and drop are the executor's code: neither runs while the queue is borrowed.
            let waker = cx.waker().clone();
            let previous = self.queue.borrow_mut().waker.replace(waker);
            drop(previous);
        }
        popped
    }
}

/// Only messages count: of the other events a connection has three at most.
fn cost(event: &Event) -> usize {
    match event {
        Event::Message(message) => message.len().saturating_add(MESSAGE_OVERHEAD),
        _ => 0,
    }
}

fn overrun() -> Close {
    Close {
        code: CloseCode::OVERRUN.0,
        reason: CloseCode::OVERRUN.meaning().into(),
        was_clean: false,
    }
}

/// About what a message takes beside its bytes: a slot in the queue, which doubles as it grows, and an allocation.
const MESSAGE_OVERHEAD: usize = 64;

#[cfg(test)]
mod tests;
