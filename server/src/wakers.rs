//! Tasks that wait for the same thing, all of them woken by one call.

use std::task::Waker;

use slab::Slab;

/// Who waits. Each call empties it: who is called and wants to wait again says so.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    waiting: Slab<Waker>,
    calls: u64,
}

/// A place among those who wait, good until the next call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    key: usize,
    /// How many calls there had been when it was given.
    pub(crate) calls: u64,
}

/// Who is to be woken, once no lock is held.
#[derive(Debug)]
#[must_use]
pub(crate) struct Woken(Slab<Waker>);

impl Wakers {
    /// How many calls there have been.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Waits for the next call, in the same place if `ticket` is still good. A waker that is no longer needed is returned,
    /// to be dropped outside of locks: it may be a task's last reference.
    pub(crate) fn wait(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) -> Option<Waker> {
        if let Some(place) = ticket
            .filter(|it| it.calls == self.calls)
            .and_then(|it| self.waiting.get_mut(it.key))
        {
            return (!place.will_wake(waker)).then(|| std::mem::replace(place, waker.clone()));
        }
        *ticket = Some(Ticket {
            key: self.waiting.insert(waker.clone()),
            calls: self.calls,
        });
        None
    }

    /// Waits no longer. The waker is returned, as above.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        if ticket.calls == self.calls {
            self.waiting.try_remove(ticket.key)
        } else {
            None
        }
    }

    /// Calls all. Where nobody waits this costs next to nothing.
    pub(crate) fn call(&mut self) -> Woken {
        self.calls += 1;
        let spare = Slab::with_capacity(self.waiting.len());
        Woken(std::mem::replace(&mut self.waiting, spare))
    }
}

impl Woken {
    pub(crate) fn wake(mut self) {
        self.0.drain().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_call_wakes_each_once_however_often_it_asked() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut wakers = Wakers::default();
        let mut ticket = None;
        wakers.wait(&mut ticket, &waker);
        wakers.wait(&mut ticket, &waker);
        wakers.wait(&mut None, &waker);
        wakers.call().wake();
        wakers.call().wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2, "two places, one call each");
    }

    #[test]
    fn who_left_is_not_woken_and_an_old_place_is_nobody_elses() {
        let (gone, stays) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut wakers = Wakers::default();
        let (mut left, mut old) = (None, None);
        wakers.wait(&mut left, &Waker::from(Arc::clone(&gone)));
        assert!(left.is_some_and(|ticket| wakers.leave(ticket).is_some()));
        wakers.wait(&mut old, &Waker::from(Arc::clone(&gone)));
        wakers.call().wake();
        wakers.wait(&mut None, &Waker::from(Arc::clone(&stays)));
        assert!(old.is_some_and(|ticket| wakers.leave(ticket).is_none()));
        wakers.call().wake();
        assert_eq!(
            (gone.0.load(Ordering::Relaxed), stays.0.load(Ordering::Relaxed)),
            (1, 1)
        );
        assert_eq!(Arc::strong_count(&stays), 1, "no waker is kept");
    }
}
