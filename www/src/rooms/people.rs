//! Who is in the room, and who is writing.

use std::rc::Rc;
use std::time::Duration;

use tidewire_client::MemberId;

/// Who is in the room, and who is writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    /// In order, so that one can be found.
    present: Rc<Vec<MemberId>>,
    /// Each with the moment, since the page was loaded, from which nobody believes it any more.
    typing: Vec<(MemberId, Duration)>,
}

impl People {
    /// All who are there.
    pub(crate) fn set(&mut self, mut members: Vec<MemberId>) {
        members.sort_unstable();
        members.dedup();
        self.typing.retain(|(member, _)| members.binary_search(member).is_ok());
        self.present = Rc::new(members);
    }

    /// Somebody has come.
    pub(crate) fn joined(&mut self, member: MemberId) {
        if let Err(index) = self.present.binary_search(&member) {
            Rc::make_mut(&mut self.present).insert(index, member);
        }
    }

    /// Somebody has gone.
    pub(crate) fn left(&mut self, member: &MemberId) {
        self.stopped(member);
        if let Ok(index) = self.present.binary_search(member) {
            Rc::make_mut(&mut self.present).remove(index);
        }
    }

    /// Somebody writes, as was said at this moment.
    pub(crate) fn types(&mut self, member: MemberId, now: Duration) {
        self.stopped(&member);
        if self.typing.len() < MAX_TYPING {
            self.typing.push((member, now + TYPING_LASTS));
        }
    }

    /// Somebody writes no longer: what was written has come.
    pub(crate) fn stopped(&mut self, member: &MemberId) {
        self.typing.retain(|(other, _)| other != member);
    }

    /// Forgets who has not been heard to write for too long.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.typing.retain(|&(_, until)| until > now);
    }

    /// When the next is to be forgotten.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.typing.iter().map(|&(_, until)| until).min()
    }

    /// Who is there, in order.
    pub(crate) fn present(&self) -> &[MemberId] {
        &self.present
    }

    /// Who writes, the latest last.
    pub(crate) fn typing(&self) -> impl ExactSizeIterator<Item = &MemberId> {
        self.typing.iter().map(|(member, _)| member)
    }
}

/// How long somebody is taken to write after having said so.
pub(crate) const TYPING_LASTS: Duration = Duration::from_secs(4);
/// How often somebody who writes says so.
pub(crate) const TYPING_EVERY: Duration = Duration::from_secs(2);
/// Of how many it is known at once that they write.
pub(crate) const MAX_TYPING: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str) -> MemberId {
        MemberId::new(id).unwrap()
    }

    fn present(people: &People) -> Vec<&str> {
        people.present().iter().map(MemberId::as_str).collect()
    }

    fn typing(people: &People) -> Vec<&str> {
        people.typing().map(MemberId::as_str).collect()
    }

    const START: Duration = Duration::from_secs(100);

    #[test]
    fn members_come_and_go() {
        let mut people = People::default();
        people.set(vec![member("bob"), member("ann")]);
        people.joined(member("cid"));
        people.joined(member("ann"));
        assert_eq!(present(&people), ["ann", "bob", "cid"]);
        people.left(&member("bob"));
        people.left(&member("bob"));
        assert_eq!(present(&people), ["ann", "cid"]);
    }

    #[test]
    fn who_writes_is_forgotten_in_time() {
        let mut people = People::default();
        people.types(member("ann"), START);
        people.types(member("bob"), START + TYPING_EVERY);
        assert_eq!(typing(&people), ["ann", "bob"]);
        assert_eq!(people.next_expiry(), Some(START + TYPING_LASTS));
        people.expire(START + TYPING_LASTS);
        assert_eq!(typing(&people), ["bob"]);
        people.types(member("bob"), START + TYPING_LASTS);
        people.expire(START + TYPING_EVERY + TYPING_LASTS);
        assert_eq!(typing(&people), ["bob"], "said so again in time");
    }

    #[test]
    fn who_has_said_it_or_gone_writes_no_longer() {
        let mut people = People::default();
        people.set(vec![member("ann"), member("bob"), member("cid")]);
        for id in ["ann", "bob", "cid"] {
            people.types(member(id), START);
        }
        people.stopped(&member("ann"));
        people.left(&member("bob"));
        assert_eq!(typing(&people), ["cid"]);
        people.set(vec![member("ann")]);
        assert!(typing(&people).is_empty());
    }

    #[test]
    fn of_a_crowd_that_writes_only_some_are_known() {
        let mut people = People::default();
        for number in 0..=MAX_TYPING {
            people.types(member(&number.to_string()), START);
        }
        assert_eq!(people.typing().len(), MAX_TYPING);
    }
}
