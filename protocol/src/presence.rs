//! Who is in a room.

use std::collections::BTreeMap;

use crate::ids::MemberId;

/// Who is in a room now. A member may be there several times, once for each of its sessions; it has left when the last has.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    members: BTreeMap<MemberId, u32>,
}

impl Presence {
    /// One of a member's sessions is in the room. Says whether the member was not.
    pub fn join(&mut self, member: &MemberId) -> bool {
        let sessions = self.members.entry(member.clone()).or_default();
        *sessions = sessions.saturating_add(1);
        *sessions == 1
    }

    /// One of a member's sessions is no longer in the room. Says whether the member is not either.
    pub fn leave(&mut self, member: &MemberId) -> bool {
        match self.members.get_mut(member) {
            Some(sessions) if *sessions > 1 => *sessions -= 1,
            Some(_) => return self.members.remove(member).is_some(),
            None => {}
        }
        false
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// All of them, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &MemberId> {
        self.members.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_member_is_there_from_its_first_session_to_its_last() {
        let [ann, bob] = ["ann", "bob"].map(|id| MemberId::new(id).expect("an id"));
        let mut presence = Presence::default();
        assert!(presence.is_empty());
        assert_eq!([&bob, &ann, &ann].map(|id| presence.join(id)), [true, true, false]);
        assert_eq!(presence.members().collect::<Vec<_>>(), [&ann, &bob]);
        assert_eq!((presence.len(), presence.is_empty()), (2, false));
        assert_eq!([&ann, &ann, &ann].map(|id| presence.leave(id)), [false, true, false]);
        assert_eq!(presence.members().collect::<Vec<_>>(), [&bob]);
        assert!(presence.join(&ann), "it may come back");
    }
}
