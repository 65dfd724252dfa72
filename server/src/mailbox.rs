//! What others have for one connection, beside what is said in rooms.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::Duration,
};

use tidewire_protocol::{Answer, CloseCode, Sequence};

/// Holds at most as many answers as a session may have unanswered publishes, and one of each other kind.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Whether there is something in it, or nobody waits for that yet.
    wants_a_look: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mail: Mail,
    waker: Option<Waker>,
}

/// What was in a mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// What became of publishes, in the order in which it was known.
    pub(crate) answers: VecDeque<(Sequence, Answer)>,
    /// The client is to come back after a time between the two.
    pub(crate) go_away: Option<(Duration, Duration)>,
    /// The session's pass is another.
    pub(crate) is_repassed: bool,
    /// The connection is to close; the first reason stands.
    pub(crate) close: Option<CloseCode>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            wants_a_look: AtomicBool::new(true),
            state: Mutex::default(),
        }
    }
}

impl Mailbox {
    pub(crate) fn answer(&self, sequence: Sequence, answer: Answer) {
        self.put(|mail| mail.answers.push_back((sequence, answer)));
    }

    pub(crate) fn go_away(&self, min: Duration, max: Duration) {
        self.put(|mail| mail.go_away = Some((min, max)));
    }

    pub(crate) fn repass(&self) {
        self.put(|mail| mail.is_repassed = true);
    }

    pub(crate) fn close(&self, code: CloseCode) {
        self.put(|mail| {
            mail.close.get_or_insert(code);
        });
    }

    fn put(&self, put: impl FnOnce(&mut Mail)) {
        let mut state = self.lock();
        put(&mut state.mail);
        self.wants_a_look.store(true, Ordering::Release);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes what there is, and has `waker` woken by what comes next. Where nothing came since the last look this is one
    /// load, and the waker of that look is the one that will be woken.
    pub(crate) fn take(&self, waker: &Waker) -> Option<Mail> {
        if !self.wants_a_look.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.lock();
        self.wants_a_look.store(false, Ordering::Relaxed);
        let old = state.waker.replace(waker.clone());
        let mail = mem::take(&mut state.mail);
        drop(state);
        drop(old);
        Some(mail)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_taken_once_and_the_first_reason_to_close_stands() {
        let mailbox = Mailbox::default();
        assert!(mailbox.take(Waker::noop()).is_some_and(|mail| mail.close.is_none()));
        assert!(mailbox.take(Waker::noop()).is_none());
        mailbox.close(CloseCode::TAKEN_OVER);
        mailbox.close(CloseCode::GOING_AWAY);
        let mail = mailbox.take(Waker::noop()).expect("mail");
        assert_eq!(mail.close, Some(CloseCode::TAKEN_OVER));
        assert!(mailbox.take(Waker::noop()).is_none());
    }
}
