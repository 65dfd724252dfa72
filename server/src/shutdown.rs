//! The end of a server, as its connections learn of it.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
};

use crate::wakers::{Ticket, Wakers};

/// Whether a server shuts down, and who is to be told.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    has_begun: AtomicBool,
    waiting: Mutex<Wakers>,
}

/// One task that is to be told. Until it is, looking is one load.
#[derive(Debug)]
pub(crate) struct Told {
    shutdown: Arc<Shutdown>,
    ticket: Option<Ticket>,
}

impl Shutdown {
    pub(crate) fn begin(&self) {
        let woken = {
            let mut waiting = self.lock();
            self.has_begun.store(true, Ordering::Release);
            waiting.call()
        };
        woken.wake();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    pub(crate) fn tell(self: &Arc<Self>) -> Told {
        Told {
            shutdown: Arc::clone(self),
            ticket: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        // No code that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Whether it has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.shutdown.has_begun()
    }

    /// Whether it has begun; if not, `cx`, which is the same task's each time, is woken when it does.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> bool {
        if self.ticket.is_none() {
            let old = self.shutdown.lock().wait(&mut self.ticket, cx.waker());
            drop(old);
        }
        self.shutdown.has_begun()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = self.shutdown.lock().leave(ticket);
            // Outside of the lock: it may be a task's last reference.
            mem::drop(waker);
        }
    }
}
