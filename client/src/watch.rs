//! Who waits for a change of the client's state, or for a round trip.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::Arc;

use futures_core::Stream;
use tidewire_protocol::client::ClientState;

use crate::{driver::Shared, inbox::Inbox, lock::Guard, session::Session};

/// The states of a client: first the present one, then each that it changes to, until it has ended and that was told.
///
/// Who looks seldom sees only the newest. That it is open is told again when the session has moved to another kind of transport.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct States {
    watcher: Watcher,
    seen: Option<u64>,
}

/// The time to the server and back, once it is known; nothing where the connection ends before.
#[derive(Debug)]
pub(crate) struct RoundTrip {
    watcher: Watcher,
    /// How many had been measured when it was asked for; nothing where there was no connection.
    asked: Option<u64>,
}

/// What is watched, and by whom.
#[derive(Default)]
pub(crate) struct Watched {
    /// How often the state has changed.
    version: u64,
    /// How many round trips were measured, and how long the last took.
    measured: (u64, Duration),
    /// Whether another is under way.
    pub(crate) is_measuring: bool,
    last_id: u64,
    wakers: Vec<(u64, Waker)>,
}

/// One that watches. It is forgotten with this value.
#[derive(Debug)]
struct Watcher {
    shared: Arc<Shared<Inbox>>,
    id: u64,
}

impl Watched {
    /// The state has changed: all are to be woken.
    pub(crate) fn change(&mut self, wakers: &mut Vec<Waker>) {
        self.version += 1;
        // What was asked of a transport ends with it.
        self.is_measuring = false;
        self.wake(wakers);
    }

    /// A round trip took so long.
    pub(crate) fn measure(&mut self, time: Duration, wakers: &mut Vec<Waker>) {
        self.is_measuring = false;
        self.measured = (self.measured.0 + 1, time);
        self.wake(wakers);
    }

    /// How many round trips were measured, and how long the last took.
    pub(crate) const fn measured(&self) -> (u64, Duration) {
        self.measured
    }

    fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(core::mem::take(&mut self.wakers).into_iter().map(|(_, waker)| waker));
    }

    fn remove(&mut self, id: u64) -> Option<(u64, Waker)> {
        let index = self.wakers.iter().position(|(waiting, _)| *waiting == id)?;
        Some(self.wakers.swap_remove(index))
    }
}

impl Watcher {
    fn new(shared: Arc<Shared<Inbox>>) -> Self {
        let id = {
            let watched = &mut shared.lock().sink.watched;
            watched.last_id += 1;
            watched.last_id
        };
        Self { shared, id }
    }

    /// What `look` finds, or a waker that is woken when it is worth looking again.
    fn poll<T>(&self, cx: &Context<'_>, look: impl FnOnce(&Guard<'_, Session<Inbox>>) -> Poll<T>) -> Poll<T> {
        // Cloning and dropping a waker is the executor's code, which does not run while the session is locked.
        let waker = cx.waker().clone();
        let mut session = self.shared.lock();
        let result = look(&session);
        let previous = session.sink.watched.remove(self.id);
        let unused = match result {
            Poll::Pending => {
                session.sink.watched.wakers.push((self.id, waker));
                None
            }
            Poll::Ready(_) => Some(waker),
        };
        drop(session);
        drop((previous, unused));
        result
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let waker = self.shared.lock().sink.watched.remove(self.id);
        drop(waker);
    }
}

impl States {
    pub(crate) fn new(shared: Arc<Shared<Inbox>>) -> Self {
        Self {
            watcher: Watcher::new(shared),
            seen: None,
        }
    }
}

impl Stream for States {
    type Item = ClientState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ClientState>> {
        let this = &mut *self;
        this.watcher.poll(cx, |session| {
            let version = session.sink.watched.version;
            if this.seen != Some(version) {
                this.seen = Some(version);
                return Poll::Ready(Some(session.machine.state()));
            }
            if session.is_closed() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
    }
}

impl RoundTrip {
    pub(crate) fn new(shared: Arc<Shared<Inbox>>, asked: Option<u64>) -> Self {
        Self {
            watcher: Watcher::new(shared),
            asked,
        }
    }
}

impl Future for RoundTrip {
    type Output = Option<Duration>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Duration>> {
        let Some(asked) = self.asked else {
            return Poll::Ready(None);
        };
        self.watcher.poll(cx, |session| match session.sink.watched.measured() {
            (count, time) if count > asked => Poll::Ready(Some(time)),
            _ if session.sink.watched.is_measuring => Poll::Pending,
            _ => Poll::Ready(None),
        })
    }
}
