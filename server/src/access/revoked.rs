//! What was revoked: whose sessions were ended, and in which rooms nothing is granted any more.

use std::{
    collections::HashMap,
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, SystemTime},
};

use tidewire_protocol::MemberId;

use super::{Denied, Pass, Pattern};

/// What was revoked, for as long as something may come that was issued before.
#[derive(Debug)]
pub(crate) struct Revoked {
    keep: Duration,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    subjects: HashMap<MemberId, SystemTime>,
    grants: HashMap<Withdrawn, SystemTime>,
}

/// What is not granted in rooms, to a subject or to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Withdrawn {
    rooms: Pattern,
    subject: Option<MemberId>,
}

/// As much was revoked as can be remembered; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRevoked;

impl Revoked {
    pub(crate) fn new(keep: Duration) -> Self {
        Self {
            keep,
            state: RwLock::default(),
        }
    }

    /// What a subject was given until now is no longer good.
    pub(crate) fn revoke(&self, subject: &MemberId) -> Result<(), TooManyRevoked> {
        self.change(|state, now| note(&mut state.subjects, subject.clone(), now, MAX_SUBJECTS))
    }

    /// What was given until now grants nothing in these rooms: to this subject, or to anybody.
    pub(crate) fn withdraw(&self, rooms: &Pattern, subject: Option<&MemberId>) -> Result<(), TooManyRevoked> {
        let withdrawn = Withdrawn {
            rooms: rooms.clone(),
            subject: subject.cloned(),
        };
        self.change(|state, now| note(&mut state.grants, withdrawn, now, MAX_GRANTS))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State, SystemTime) -> T) -> T {
        let now = SystemTime::now();
        let is_kept = |at: &SystemTime| now.duration_since(*at).is_ok_and(|age| age <= self.keep);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.subjects.retain(|_, at| is_kept(at));
        state.grants.retain(|_, at| is_kept(at));
        change(&mut state, now)
    }

    /// Takes out of a pass what was revoked since it was issued.
    pub(crate) fn apply(&self, pass: &mut Pass) -> Result<(), Denied> {
        let state = self.read();
        if state.has_revoked(pass) {
            return Err(Denied::Unauthorized);
        }
        let withdrawn: Vec<Pattern> = state.withdrawn_from(pass).cloned().collect();
        withdrawn.into_iter().for_each(|rooms| pass.grants.withdraw(rooms));
        Ok(())
    }

    /// Whether the sessions of its subject were ended since it was issued.
    pub(crate) fn has_ended(&self, pass: &Pass) -> bool {
        self.read().has_revoked(pass)
    }

    /// Whether something was revoked since this was applied to a pass.
    pub(crate) fn affects(&self, pass: &Pass) -> bool {
        let state = self.read();
        state.has_revoked(pass) || state.withdrawn_from(pass).any(|rooms| !pass.grants.lack(rooms))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_revoked(&self, pass: &Pass) -> bool {
        let revoked = pass.subject.as_ref().and_then(|subject| self.subjects.get(subject));
        revoked.is_some_and(|at| is_before(pass, *at))
    }

    fn withdrawn_from<'a>(&'a self, pass: &'a Pass) -> impl Iterator<Item = &'a Pattern> {
        self.grants
            .iter()
            .filter(|(withdrawn, at)| {
                let is_its = withdrawn.subject.is_none() || withdrawn.subject == pass.subject;
                is_its && is_before(pass, **at)
            })
            .map(|(withdrawn, _)| &withdrawn.rooms)
    }
}

/// Whether a pass was issued before, or in the same second where tokens tell no more.
fn is_before(pass: &Pass, at: SystemTime) -> bool {
    pass.issued.is_some_and(|issued| issued <= at)
}

fn note<K: std::hash::Hash + Eq>(
    noted: &mut HashMap<K, SystemTime>,
    key: K,
    now: SystemTime,
    max: usize,
) -> Result<(), TooManyRevoked> {
    if noted.len() >= max && !noted.contains_key(&key) {
        return Err(TooManyRevoked);
    }
    noted.insert(key, now);
    Ok(())
}

impl fmt::Display for TooManyRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as much was revoked as can be remembered")
    }
}

impl std::error::Error for TooManyRevoked {}

/// Of how many subjects it is remembered that what they had is revoked.
const MAX_SUBJECTS: usize = 100_000;

/// How many withdrawals are remembered. Each hello looks through them.
const MAX_GRANTS: usize = 1000;

#[cfg(test)]
mod tests {
    use tidewire_protocol::RoomName;

    use super::*;
    use crate::access::Right;

    fn member(name: &str) -> MemberId {
        MemberId::new(name).expect("a name")
    }

    fn pass(name: &str, issued: SystemTime) -> Pass {
        Pass::of(member(name)).issued(issued)
    }

    fn may(pass: &Pass, room: &str) -> bool {
        pass.grants.allow(&RoomName::new(room).expect("a name"), Right::Publish)
    }

    #[test]
    fn what_was_issued_before_is_revoked_and_what_comes_later_is_not() {
        let revoked = Revoked::new(Duration::from_secs(60));
        let before = SystemTime::now();
        let mut old = pass("ada", before);
        assert_eq!(revoked.apply(&mut old), Ok(()));
        revoked.revoke(&member("ada")).expect("room");
        assert!(revoked.affects(&old));
        assert_eq!(revoked.apply(&mut old), Err(Denied::Unauthorized));
        assert_eq!(revoked.apply(&mut pass("bob", before)), Ok(()));
        let later = SystemTime::now() + Duration::from_millis(1);
        assert_eq!(revoked.apply(&mut pass("ada", later)), Ok(()));
    }

    #[test]
    fn what_is_withdrawn_from_one_is_left_to_others() {
        let revoked = Revoked::new(Duration::from_secs(60));
        let before = SystemTime::now();
        let [mut ada, mut bob] = ["ada", "bob"].map(|name| pass(name, before));
        let rooms: Pattern = "team/*".parse().expect("a pattern");
        revoked.withdraw(&rooms, Some(&member("ada"))).expect("room");
        assert!(revoked.affects(&ada) && !revoked.affects(&bob));
        for pass in [&mut ada, &mut bob] {
            assert_eq!(revoked.apply(pass), Ok(()));
        }
        assert!(!revoked.affects(&ada), "it was applied");
        assert!(!may(&ada, "team/red") && may(&ada, "lobby") && may(&bob, "team/red"));
        revoked.withdraw(&rooms, None).expect("room");
        assert!(revoked.affects(&bob));
    }

    #[test]
    fn so_much_is_remembered_and_not_one_more_until_it_is_old() {
        let long = Revoked::new(Duration::from_secs(60));
        let short = Revoked::new(Duration::ZERO);
        let all: Vec<Pattern> = (0..=MAX_GRANTS)
            .map(|number| number.to_string().parse().expect("a pattern"))
            .collect();
        for rooms in &all[..MAX_GRANTS] {
            assert_eq!(long.withdraw(rooms, None), Ok(()));
        }
        assert_eq!(long.withdraw(&all[MAX_GRANTS], None), Err(TooManyRevoked));
        assert_eq!(long.withdraw(&all[0], None), Ok(()), "it is there already");
        assert!(all.iter().all(|rooms| short.withdraw(rooms, None).is_ok()));
    }
}
