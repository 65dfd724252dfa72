//! The end of a server: at once, or over a while, one connection after another.

use std::{
    collections::HashSet,
    future::pending,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tidewire_protocol::SessionId;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    timer::Timer,
    wakers::{Ticket, Wakers},
};

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It takes whoever comes.
    #[default]
    Serving,
    /// It takes nobody new, and closes its connections one after another.
    Draining {
        /// When it began to.
        since: Instant,
        /// By then all are closed.
        until: Instant,
    },
    /// It has no connection any more.
    Stopped,
}

/// A server's phase, and who is to be told of it.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// Whether it drains, and connections have their turns.
    has_begun: AtomicBool,
    /// The place of the next connection in a drain.
    place: AtomicU32,
    phase: watch::Sender<Phase>,
    waiting: Mutex<Wakers>,
    /// The sessions whose last poll of the drain did not end with a close: another is to follow.
    polling: Mutex<HashSet<SessionId>>,
}

/// One task that is to be told. Until it is, looking is one load.
#[derive(Debug)]
pub(crate) struct Told {
    drain: Arc<Drain>,
    /// When in a drain its turn is: after so many parts of 2^32 of its time.
    place: u32,
    ticket: Option<Ticket>,
    /// Once the server drains, when its turn is.
    turn: Option<Box<Timer>>,
}

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Go on.
    Nothing,
    /// Go on, and know that it is to end after so long. This is told once.
    EndIn(Duration),
    /// End.
    EndNow,
}

impl Phase {
    /// In how many seconds who is turned away may come back; nothing where nobody is.
    pub(crate) fn retry_after(self) -> Option<u64> {
        match self {
            Self::Serving => None,
            Self::Draining { until, .. } => Some(until.duration_since(Instant::now()).as_secs() + 1),
            Self::Stopped => Some(1),
        }
    }

    /// When a drain is over: a moment after the last turn, for the poll that its client was about to send.
    fn over(self) -> Option<Instant> {
        match self {
            Self::Serving => None,
            Self::Draining { since, until } if until > since => Some(until + POLL_PATIENCE),
            Self::Draining { until, .. } => Some(until),
            Self::Stopped => Some(Instant::now()),
        }
    }

    /// When the turn of a connection with this place is.
    fn turn(self, place: u32) -> Option<Instant> {
        match self {
            Self::Serving => None,
            Self::Draining { since, until } => {
                Some(since + until.duration_since(since).mul_f64(f64::from(place) / PLACES))
            }
            Self::Stopped => Some(Instant::now()),
        }
    }
}

impl Drain {
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Begins to drain, if it serves: says whether it did.
    pub(crate) fn begin(&self, window: Duration) -> bool {
        let since = Instant::now();
        self.phase.send_if_modified(|phase| {
            let serves = *phase == Phase::Serving;
            if serves {
                let until = since + window;
                *phase = Phase::Draining { since, until };
            }
            serves
        })
    }

    /// Connections have their turns from now on.
    pub(crate) fn begin_turns(&self) {
        self.has_begun.store(true, Ordering::Release);
        self.call();
    }

    /// The time of a drain is over.
    pub(crate) fn hurry(&self) {
        self.phase.send_modify(|phase| {
            if let Phase::Draining { until, .. } = phase {
                *until = Instant::now().min(*until);
            }
        });
        // Before that nobody is called: who looks then does not wait anew, and would miss its turn.
        if self.has_begun.load(Ordering::Acquire) {
            self.call();
        }
    }

    /// There is no connection any more.
    pub(crate) fn stop(&self) {
        self.phase.send_replace(Phase::Stopped);
        self.begin_turns();
    }

    fn call(&self) {
        let woken = lock(&self.waiting).call();
        woken.wake();
    }

    /// A connection is there. Those that come one after another have places that are far from each other, so that however many
    /// there are, and whichever of them stay, their turns are spread evenly: each is the golden ratio after the one before
    /// ([Weyl's sequence](https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence)).
    pub(crate) fn tell(self: &Arc<Self>) -> Told {
        self.tell_at(self.place.fetch_add(GOLDEN_RATIO, Ordering::Relaxed))
    }

    /// The same with a place of its own, for one of several polls that have the same turn.
    pub(crate) fn tell_at(self: &Arc<Self>, place: u32) -> Told {
        Told {
            drain: Arc::clone(self),
            place,
            ticket: None,
            turn: None,
        }
    }

    /// A poll of a session is over: closed by us, or answered or left by its client, who will be back then.
    pub(crate) fn on_polled(&self, session: SessionId, is_closed: bool) {
        if self.phase() != Phase::Serving {
            let mut polling = lock(&self.polling);
            if is_closed {
                polling.remove(&session);
            } else {
                polling.insert(session);
            }
        }
    }

    /// Whether somebody who polls will be back.
    pub(crate) fn awaits_polls(&self) -> bool {
        !lock(&self.polling).is_empty()
    }

    /// Resolves when a drain is over, or when the server has stopped before.
    pub(crate) async fn is_over(&self) {
        let mut watch = self.watch();
        loop {
            let until = watch.borrow_and_update().over();
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // The sender is this server's.
                _ = watch.changed() => {}
            }
        }
    }

    /// Resolves when the server has stopped.
    pub(crate) async fn has_stopped(&self) {
        // The sender is this server's.
        let _ = self.watch().wait_for(|phase| *phase == Phase::Stopped).await;
    }
}

impl Told {
    /// What is to be done by now; `cx`, which is the same task's each time, is woken when that changes.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Due {
        if self.ticket.is_some() && !self.drain.has_begun.load(Ordering::Acquire) {
            return Due::Nothing;
        }
        // It is looked at again after that, so that no change is missed.
        let old = lock(&self.drain.waiting).wait(&mut self.ticket, cx.waker());
        drop(old);
        if !self.drain.has_begun.load(Ordering::Acquire) {
            return Due::Nothing;
        }
        let Some(at) = self.drain.phase().turn(self.place) else {
            return Due::Nothing;
        };
        if at <= Instant::now() {
            return Due::EndNow;
        }
        let is_new = self.turn.is_none();
        let turn = self.turn.get_or_insert_with(|| Box::new(Timer::new(at)));
        if turn.at() > at {
            turn.set(at);
        }
        match turn.poll(cx) {
            Poll::Ready(()) => Due::EndNow,
            Poll::Pending if is_new => Due::EndIn(at.duration_since(Instant::now())),
            Poll::Pending => Due::Nothing,
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = lock(&self.drain.waiting).leave(ticket);
            // Outside of the lock: it may be a task's last reference.
            mem::drop(waker);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic runs under the locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many places there are.
const PLACES: f64 = 4_294_967_296.0;

/// Of 2^32 as much as the golden ratio is of one.
const GOLDEN_RATIO: u32 = 0x9e37_79b9;

/// For so long the next poll of a client is waited for, after the last turn.
const POLL_PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(20);

    /// When each of so many connections is to end, of which only every so many-th is still there.
    async fn turns(opened: usize, every: usize) -> Vec<Duration> {
        let drain = Arc::new(Drain::default());
        let told = (0..opened).map(|_| drain.tell()).collect::<Vec<_>>();
        assert!(drain.begin(WINDOW) && !drain.begin(WINDOW));
        drain.begin_turns();
        let begun = Instant::now();
        let ends = told.into_iter().step_by(every).map(|mut told| async move {
            std::future::poll_fn(|cx| match told.poll(cx) {
                Due::EndNow => Poll::Ready(()),
                _ => Poll::Pending,
            })
            .await;
            begun.elapsed()
        });
        // The tasks are one here, so each is woken by each.
        join_all(ends).await
    }

    #[tokio::test(start_paused = true)]
    async fn connections_end_evenly_over_the_time_of_the_drain() {
        for (opened, every) in [(1000, 1), (1000, 3), (10_000, 10), (4000, 7)] {
            let turns = turns(opened, every).await;
            let expected = turns.len() as f64 / 10.0;
            let mut tenths = [0_u32; 10];
            for turn in &turns {
                tenths[(turn.as_secs_f64() * 10.0 / WINDOW.as_secs_f64()) as usize % 10] += 1;
            }
            println!("{} connections, by tenths of the time: {tenths:?}", turns.len());
            let is_even = |count: &u32| (f64::from(*count) - expected).abs() <= expected / 10.0;
            assert!(tenths.iter().all(is_even), "{tenths:?} of {}", turns.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_told_once_how_long_it_has_and_ends_at_once_when_there_is_no_time_left() {
        let drain = Arc::new(Drain::default());
        let mut told = drain.tell_at(u32::MAX / 2);
        let look = |told: &mut Told| std::future::poll_fn(|cx| Poll::Ready(told.poll(cx))).now_or_never();
        assert_eq!(look(&mut told), Some(Due::Nothing));
        drain.begin(WINDOW);
        assert_eq!(look(&mut told), Some(Due::Nothing), "it is not its turn to be told");
        drain.begin_turns();
        let Some(Due::EndIn(left)) = look(&mut told) else {
            panic!("it is not told");
        };
        assert!(left.abs_diff(WINDOW / 2) < Duration::from_millis(1), "{left:?}");
        assert_eq!(look(&mut told), Some(Due::Nothing));
        drain.hurry();
        let over = std::future::poll_fn(|cx| match told.poll(cx) {
            Due::EndNow => Poll::Ready(Instant::now()),
            _ => Poll::Pending,
        });
        let begun = Instant::now();
        assert!(over.await.duration_since(begun) <= Duration::from_millis(1));
        drain.is_over().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_its_turn_when_it_was_to_be_quick_before_there_were_turns() {
        let drain = Arc::new(Drain::default());
        let mut told = drain.tell();
        let ended = tokio::spawn(std::future::poll_fn(move |cx| match told.poll(cx) {
            Due::EndNow => Poll::Ready(()),
            _ => Poll::Pending,
        }));
        tokio::task::yield_now().await;
        drain.begin(WINDOW);
        drain.hurry();
        tokio::task::yield_now().await;
        assert!(!ended.is_finished());
        drain.begin_turns();
        let called = tokio::time::timeout(WINDOW, ended).await;
        assert!(called.is_ok_and(|ended| ended.is_ok()), "it was not called");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_turned_away_may_come_back_when_the_time_is_over() {
        let drain = Drain::default();
        assert_eq!(drain.phase().retry_after(), None);
        drain.begin(WINDOW);
        assert_eq!(drain.phase().retry_after(), Some(21));
        drain.hurry();
        assert_eq!(drain.phase().retry_after(), Some(1));
        drain.stop();
        assert_eq!(drain.phase(), Phase::Stopped);
        drain.has_stopped().await;
        drain.is_over().await;
    }
}
