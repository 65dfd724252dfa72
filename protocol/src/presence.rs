//! Who is in a room.

use std::collections::BTreeMap;

use crate::ids::MemberId;

/// Who is in a room now. A member may be there several times, once for each of its sessions; it has left when the last has.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    members: BTreeMap<MemberId, u32>,
    digest: PresenceDigest,
}

/// Who is in a room, in 64 bits: the XOR of the FNV-1a hashes of the members' names. It is the same for the same members in
/// any order, and that of an empty room is 0.
///
/// It tells whether two lists differ by chance, not by somebody's intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresenceDigest(pub u64);

impl Presence {
    /// One of a member's sessions is in the room. Says whether the member was not.
    pub fn join(&mut self, member: &MemberId) -> bool {
        let sessions = self.members.entry(member.clone()).or_default();
        *sessions = sessions.saturating_add(1);
        let has_joined = *sessions == 1;
        if has_joined {
            self.digest.toggle(member);
        }
        has_joined
    }

    /// One of a member's sessions is no longer in the room. Says whether the member is not either.
    pub fn leave(&mut self, member: &MemberId) -> bool {
        match self.members.get_mut(member) {
            Some(sessions) if *sessions > 1 => *sessions -= 1,
            Some(_) => {
                self.digest.toggle(member);
                return self.members.remove(member).is_some();
            }
            None => {}
        }
        false
    }

    /// Who is there, in short.
    #[must_use]
    pub const fn digest(&self) -> PresenceDigest {
        self.digest
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

    /// Whether a member is there.
    #[must_use]
    pub fn contains(&self, member: &MemberId) -> bool {
        self.members.contains_key(member)
    }

    /// All of them, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &MemberId> {
        self.members.keys()
    }
}

impl PresenceDigest {
    /// A member has joined, or has left: either is undone by the other.
    pub fn toggle(&mut self, member: &MemberId) {
        self.0 ^= fnv_1a(member.as_str().as_bytes());
    }
}

impl<'a> FromIterator<&'a MemberId> for PresenceDigest {
    /// That of a list without repetitions.
    fn from_iter<I: IntoIterator<Item = &'a MemberId>>(members: I) -> Self {
        let mut digest = Self::default();
        members.into_iter().for_each(|member| digest.toggle(member));
        digest
    }
}

/// FNV-1a of 64 bits.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
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
        assert!(presence.contains(&ann));
        assert_eq!([&ann, &ann, &ann].map(|id| presence.leave(id)), [false, true, false]);
        assert_eq!(presence.members().collect::<Vec<_>>(), [&bob]);
        assert!(!presence.contains(&ann));
        assert!(presence.join(&ann), "it may come back");
    }

    #[test]
    fn a_digest_follows_who_is_there_and_not_in_which_order_they_came() {
        let [ann, bob] = ["ann", "bob"].map(|id| MemberId::new(id).expect("an id"));
        let [mut one, mut other] = [Presence::default(), Presence::default()];
        assert_eq!(one.digest(), PresenceDigest(0));
        for id in [&ann, &bob, &ann] {
            one.join(id);
        }
        for id in [&bob, &ann] {
            other.join(id);
        }
        assert_eq!(one.digest(), other.digest());
        assert_eq!(one.digest(), one.members().collect());
        one.leave(&ann);
        assert_eq!(one.digest(), other.digest(), "one of its sessions is still there");
        one.leave(&ann);
        assert_eq!(one.digest(), [&bob].into_iter().collect());
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn a_hash_is_that_of_the_reference() {
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv_1a(text.as_bytes()), hash, "{text}");
        }
    }
}
