//! One subscription, and who listens to it.

use core::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use std::rc::Rc;

use futures_core::Stream;

use super::task::Task;
use crate::{Room, RoomEvent, RoomEvents, SubscribeError, SubscribeOptions};

/// Tells listeners what comes from a room. It keeps no event. Clones are the same feed, and no others equal it.
#[derive(Clone, Default)]
pub(super) struct Feed {
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    listeners: RefCell<Vec<(u64, Listener)>>,
    last_id: Cell<u64>,
    error: Cell<Option<SubscribeError>>,
}

/// Is told as much at once as has come.
type Listener = Rc<dyn Fn(&[RoomEvent])>;

/// One that listens. It is told no more once this value is dropped.
pub(super) struct Listening {
    feed: Feed,
    id: u64,
}

/// The subscription of a feed. It ends when this is dropped, not later: the same room may be subscribed to next.
pub(super) struct Subscription {
    events: Rc<RefCell<Option<RoomEvents>>>,
    _task: Task,
}

impl Feed {
    /// Subscribes. What comes is told from the next task on.
    pub(super) fn subscribe(&self, room: &Room, options: SubscribeOptions) -> Result<Subscription, SubscribeError> {
        let subscribed = room.subscribe(options);
        self.shared.error.set(subscribed.as_ref().err().copied());
        let events = Rc::new(RefCell::new(Some(subscribed?)));
        let task = Task::spawn(follow(events.clone(), self.clone()));
        Ok(Subscription { events, _task: task })
    }

    /// Why the room was not subscribed to.
    pub(super) fn error(&self) -> Option<SubscribeError> {
        self.shared.error.get()
    }

    pub(super) fn listen(&self, listener: impl Fn(&[RoomEvent]) + 'static) -> Listening {
        let id = self.shared.last_id.get() + 1;
        self.shared.last_id.set(id);
        self.shared.listeners.borrow_mut().push((id, Rc::new(listener)));
        Listening { feed: self.clone(), id }
    }

    fn tell(&self, events: &[RoomEvent]) {
        let ids: Vec<_> = self.shared.listeners.borrow().iter().map(|(id, _)| *id).collect();
        for id in ids {
            // A listener may have removed others.
            let listener = self.shared.listener(id);
            if let Some(listener) = listener {
                listener(events);
            }
        }
    }
}

impl Shared {
    fn listener(&self, id: u64) -> Option<Listener> {
        let listeners = self.listeners.borrow();
        let (_, listener) = listeners.iter().find(|(other, _)| *other == id)?;
        Some(listener.clone())
    }
}

impl PartialEq for Feed {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = self.feed.shared.listeners.borrow_mut();
        let index = listeners.iter().position(|(id, _)| *id == self.id);
        let listener = index.map(|index| listeners.remove(index));
        drop(listeners);
        // It may hold anything.
        drop(listener);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let events = self.events.take();
        drop(events);
    }
}

async fn follow(events: Rc<RefCell<Option<RoomEvents>>>, feed: Feed) {
    while let Some(batch) = poll_fn(|cx| poll_batch(&events, cx)).await {
        feed.tell(&batch);
    }
}

/// All that has come. [`ClientOptions::max_queued_bytes`](crate::ClientOptions::max_queued_bytes) bounds it.
fn poll_batch(events: &RefCell<Option<RoomEvents>>, cx: &mut Context<'_>) -> Poll<Option<Vec<RoomEvent>>> {
    let mut events = events.borrow_mut();
    let Some(events) = &mut *events else {
        return Poll::Ready(None);
    };
    let mut batch = Vec::new();
    loop {
        match Pin::new(&mut *events).poll_next(cx) {
            Poll::Ready(Some(event)) => batch.push(event),
            _ if !batch.is_empty() => return Poll::Ready(Some(batch)),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        }
    }
}
