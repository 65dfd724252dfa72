//! What a session may do in which rooms.

use std::sync::Arc;

use serde::Deserialize;
use tidewire_protocol::RoomName;

use super::Pattern;

/// What may be done in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// To be told what is said, from the moment of subscribing on.
    Subscribe,
    /// To publish.
    Publish,
    /// To signal.
    Signal,
    /// To be told who is there. Who may not is still seen by others.
    Presence,
    /// To be told what was said before.
    History,
}

/// What a session may do in which rooms: whatever one of its patterns allows, unless it was withdrawn. Cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    granted: Granted,
    withdrawn: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Granted {
    Everything,
    These(Arc<[(Pattern, Rights)]>),
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rights(u8);

impl Grants {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            granted: Granted::These(Arc::default()),
            withdrawn: Vec::new(),
        }
    }

    /// Everything in every room.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            granted: Granted::Everything,
            withdrawn: Vec::new(),
        }
    }

    /// These rights too, in the rooms whose names fit the pattern.
    #[must_use]
    pub fn and(self, rooms: Pattern, rights: impl IntoIterator<Item = Right>) -> Self {
        let granted = match self.granted {
            Granted::Everything => Granted::Everything,
            Granted::These(before) => {
                let more = (rooms, rights.into_iter().collect());
                Granted::These(before.iter().cloned().chain([more]).collect())
            }
        };
        Self { granted, ..self }
    }

    /// Whether they allow something in a room.
    #[must_use]
    pub fn allow(&self, room: &RoomName, right: Right) -> bool {
        let room = room.as_str();
        let is_granted = match &self.granted {
            Granted::Everything => true,
            Granted::These(these) => these
                .iter()
                .any(|(rooms, rights)| rights.have(right) && rooms.matches(room)),
        };
        is_granted && !self.withdrawn.iter().any(|rooms| rooms.matches(room))
    }

    /// Whether they allow everything, so that nothing need be remembered to tell what they do not.
    pub(crate) fn are_everything(&self) -> bool {
        self.granted == Granted::Everything && self.withdrawn.is_empty()
    }

    /// Whether they were withdrawn by this very pattern.
    pub(crate) fn lack(&self, rooms: &Pattern) -> bool {
        self.withdrawn.contains(rooms)
    }

    /// Nothing in the rooms whose names fit the pattern.
    pub(crate) fn withdraw(&mut self, rooms: Pattern) {
        if !self.lack(&rooms) {
            self.withdrawn.push(rooms);
        }
    }
}

impl Rights {
    const fn have(self, right: Right) -> bool {
        self.0 & 1 << right as u8 != 0
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |all, right| all | 1 << right as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::new(name).expect("a name")
    }

    fn pattern(text: &str) -> Pattern {
        text.parse().expect("a pattern")
    }

    #[test]
    fn what_one_pattern_grants_is_granted() {
        let grants = Grants::none()
            .and(pattern("team/*"), [Right::Subscribe, Right::History])
            .and(pattern("team/red"), [Right::Publish]);
        assert!(grants.allow(&room("team/red"), Right::Publish));
        assert!(grants.allow(&room("team/red"), Right::History));
        assert!(!grants.allow(&room("team/blue"), Right::Publish));
        assert!(!grants.allow(&room("team/red"), Right::Signal));
        assert!(!grants.allow(&room("lobby"), Right::Subscribe));
    }

    #[test]
    fn what_is_withdrawn_is_granted_by_nothing() {
        let mut grants = Grants::everything();
        assert!(grants.are_everything());
        grants.withdraw(pattern("team/**"));
        assert!(!grants.allow(&room("team/red"), Right::Subscribe));
        assert!(grants.allow(&room("lobby"), Right::Subscribe));
        assert!(!grants.are_everything());
    }
}
