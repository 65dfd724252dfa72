//! Streams of the client's state: each gives the newest that it has not given yet.

use core::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::sync::Arc;

use futures_core::Stream;
use tidewire_protocol::client::ClientState;

use crate::driver::Shared;

/// The states of a client: first the present one, then each that it changes to, until it has ended and that was told.
///
/// Who looks seldom sees only the newest.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct States {
    shared: Arc<Shared>,
    id: u64,
    seen: Option<u64>,
}

/// Who waits for a change of state.
#[derive(Default)]
pub(crate) struct Watchers {
    version: u64,
    last_id: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Watchers {
    /// The state has changed: all are to be woken.
    pub(crate) fn change(&mut self, wakers: &mut Vec<Waker>) {
        self.version += 1;
        wakers.extend(self.wakers.drain(..).map(|(_, waker)| waker));
    }

    fn remove(&mut self, id: u64) -> Option<(u64, Waker)> {
        let index = self.wakers.iter().position(|(waiting, _)| *waiting == id)?;
        Some(self.wakers.swap_remove(index))
    }
}

impl States {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let id = {
            let watchers = &mut shared.lock().states;
            watchers.last_id += 1;
            watchers.last_id
        };
        Self { shared, id, seen: None }
    }
}

impl Stream for States {
    type Item = ClientState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ClientState>> {
        // Cloning and dropping a waker is the executor's code, which does not run while the session is locked.
        let waker = cx.waker().clone();
        let this = &mut *self;
        let mut session = this.shared.lock();
        let version = session.states.version;
        if this.seen != Some(version) {
            this.seen = Some(version);
            return Poll::Ready(Some(session.machine.state()));
        }
        if session.is_closed() {
            return Poll::Ready(None);
        }
        let previous = session.states.remove(this.id);
        session.states.wakers.push((this.id, waker));
        drop(session);
        drop(previous);
        Poll::Pending
    }
}

impl Drop for States {
    fn drop(&mut self) {
        let waker = self.shared.lock().states.remove(self.id);
        drop(waker);
    }
}
