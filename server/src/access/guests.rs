//! Guests: who has come in without a session, as to `/echo` and `/chat`, for as long as its pass is good.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tidewire_protocol::{CloseCode, MemberId};
use tokio::time::Instant;

use super::{Denied, Pass};
use crate::{hub::Hub, mailbox::Mailbox};

/// All guests that are known by name. They are at most as many as connections.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_number: u64,
    named: HashMap<u64, (MemberId, Arc<Mailbox>)>,
}

/// One guest. Nothing is kept of one whose pass is nobody's and good for ever.
#[derive(Debug, Default)]
pub(crate) struct Guest(Option<Box<Stay>>);

#[derive(Debug)]
struct Stay {
    until: Option<Instant>,
    name: Option<Name>,
}

/// A guest's place among those that are known by name. Dropping it leaves.
#[derive(Debug)]
struct Name {
    guests: Arc<Guests>,
    number: u64,
    mailbox: Arc<Mailbox>,
}

impl Hub {
    /// Lets somebody in who was given this pass just now.
    pub(crate) fn let_in(&self, pass: &Pass) -> Result<Guest, Denied> {
        let guest = self.guests.enter(pass);
        // Who was not there yet when its subject's sessions were ended was not told.
        match self.decider.revoked().has_ended(pass) {
            true => Err(Denied::Unauthorized),
            false => Ok(guest),
        }
    }
}

impl Guests {
    fn enter(self: &Arc<Self>, pass: &Pass) -> Guest {
        // A time that no clock can say is for ever.
        let until = pass.expires_in.and_then(|time| Instant::now().checked_add(time));
        let name = pass.subject().map(|subject| self.name(subject.clone()));
        let is_kept = until.is_some() || name.is_some();
        Guest(is_kept.then(|| Box::new(Stay { until, name })))
    }

    fn name(self: &Arc<Self>, subject: MemberId) -> Name {
        let mailbox = Arc::<Mailbox>::default();
        let mut state = self.lock();
        state.last_number += 1;
        let number = state.last_number;
        state.named.insert(number, (subject, Arc::clone(&mailbox)));
        drop(state);
        Name {
            guests: Arc::clone(self),
            number,
            mailbox,
        }
    }

    /// Has all of a subject leave.
    pub(super) fn end_all_of(&self, subject: &MemberId) {
        let state = self.lock();
        let its = state.named.values().filter(|(named, _)| named == subject);
        let mailboxes: Vec<Arc<Mailbox>> = its.map(|(_, mailbox)| Arc::clone(mailbox)).collect();
        drop(state);
        mailboxes.iter().for_each(|it| it.close(CloseCode::UNAUTHORIZED));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// An error is the code to close with, as its subject's sessions were ended; otherwise `waker`, which is the same task's each
    /// time, is woken when they are.
    pub(crate) fn look(&self, waker: &Waker) -> Result<(), CloseCode> {
        let name = self.0.as_ref().and_then(|stay| stay.name.as_ref());
        let mail = name.and_then(|name| name.mailbox.take(waker));
        mail.and_then(|mail| mail.close).map_or(Ok(()), Err)
    }

    /// When its pass is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref()?.until
    }

    /// Some deadline has passed. An error is the code to close with, if it was this.
    pub(crate) fn on_deadline(&self) -> Result<(), CloseCode> {
        match self.deadline() {
            Some(until) if until <= Instant::now() => Err(CloseCode::TOKEN_EXPIRED),
            _ => Ok(()),
        }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.guests.lock().named.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{settings::Settings, tidewire::Tidewire};

    #[test]
    fn who_was_on_its_way_when_its_sessions_were_ended_is_not_let_in() {
        let tidewire = Tidewire::new(Settings::default());
        let ada = MemberId::new("ada").expect("a name");
        let pass = Pass::of(ada.clone()).issued(SystemTime::now());
        let guest = tidewire.hub().let_in(&pass).expect("let in");
        assert_eq!(guest.look(Waker::noop()), Ok(()));
        assert_eq!(tidewire.end_sessions(&ada), Ok(0));
        assert_eq!(guest.look(Waker::noop()), Err(CloseCode::UNAUTHORIZED));
        assert_eq!(tidewire.hub().let_in(&pass).err(), Some(Denied::Unauthorized));
    }

    #[test]
    fn nothing_is_kept_of_who_has_left_or_has_no_name() {
        let guests = Arc::new(Guests::default());
        let ada = MemberId::new("ada").expect("a name");
        let both = [Pass::of(ada), Pass::anonymous()].map(|pass| guests.enter(&pass));
        assert!(both[0].0.is_some() && both[1].0.is_none());
        assert_eq!(guests.lock().named.len(), 1);
        drop(both);
        assert_eq!(guests.lock().named.len(), 0);
    }
}
