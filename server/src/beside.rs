//! What a reader is told beside messages: signals, and who is there.

use bytes::Bytes;
use tidewire_protocol::{SessionId, TransientCursor, TransientKind, frame::PresenceWanted};

use crate::room::{Room, State};

/// A reader's place beside the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    cursor: TransientCursor,
    presence: Told,
}

/// What a reader is told of who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// The whole list is due.
    List,
    /// Who joins and who leaves.
    Changes,
}

impl Beside {
    /// From now on. Who follows presence is told the whole list first, unless it has that already.
    pub(crate) fn new(state: &State, wanted: PresenceWanted) -> Self {
        Self {
            cursor: state.transients.cursor(),
            presence: match wanted {
                PresenceWanted::Nothing => Told::Nothing,
                PresenceWanted::Changes(known) if known == state.digest() => Told::Changes,
                PresenceWanted::List | PresenceWanted::Changes(_) => Told::List,
            },
        }
    }

    /// Passes frames on to `push`. A reader that was too slow misses signals, and is told the whole list again.
    pub(crate) fn read(
        &mut self,
        room: &Room,
        state: &mut State,
        session: Option<SessionId>,
        mut push: impl FnMut(Bytes),
    ) {
        loop {
            if self.presence == Told::List {
                self.presence = Told::Changes;
                self.cursor = state.transients.cursor();
                push(state.present(room.number()));
            }
            let (next, missed_some) = state.transients.next(&mut self.cursor);
            if missed_some && self.presence == Told::Changes {
                self.presence = Told::List;
                continue;
            }
            let Some(transient) = next else { return };
            let is_due = match transient.kind {
                TransientKind::Signal(from) => from.is_none() || from != session,
                TransientKind::Presence => self.presence == Told::Changes,
            };
            if is_due {
                push(transient.frame.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use tidewire_protocol::{
        Epoch, MemberId, Offset, Position, Retention, RoomNumber, decode,
        frame::{Payload, ServerFrame},
    };

    use super::*;
    use crate::budget::Budget;

    fn room() -> Arc<Room> {
        let position = Position {
            epoch: Epoch(1),
            offset: Offset(0),
        };
        let budget = Arc::new(Budget::new(usize::MAX));
        Room::new(RoomNumber(1), position, Retention::default(), budget, Weak::new())
    }

    fn member(number: usize) -> MemberId {
        MemberId::new(&format!("member {number:032}")).expect("a name")
    }

    fn read(reader: &mut Beside, room: &Room, session: Option<SessionId>) -> Vec<String> {
        let mut batch = Vec::new();
        reader.read(room, &mut room.lock(), session, |frame| batch.extend_from_slice(&frame));
        let frames = decode::<ServerFrame<'_>>(&batch).map(|frame| frame.expect("a good frame"));
        let shown = frames.map(|frame| match frame {
            ServerFrame::Present { more, members, .. } => format!("present {} {more}", members.into_iter().count()),
            ServerFrame::Joined { .. } => "joined".to_owned(),
            ServerFrame::Left { .. } => "left".to_owned(),
            ServerFrame::Signal { .. } => "signal".to_owned(),
            other => panic!("{other:?}"),
        });
        shown.collect()
    }

    #[test]
    fn a_reader_of_presence_gets_the_list_and_then_each_change() {
        let room = room();
        room.enter(&member(1));
        let (mut told, mut untold) = {
            let state = room.lock();
            (
                Beside::new(&state, PresenceWanted::List),
                Beside::new(&state, PresenceWanted::Nothing),
            )
        };
        room.enter(&member(2));
        assert_eq!(read(&mut told, &room, None), ["present 2 false"]);
        room.exit(&member(1));
        room.enter(&member(2));
        assert_eq!(read(&mut told, &room, None), ["left"], "the other is there twice now");
        assert!(read(&mut untold, &room, None).is_empty());
    }

    #[test]
    fn a_reader_that_knows_who_is_there_is_told_only_what_changes() {
        let room = room();
        room.enter(&member(1));
        let known = PresenceWanted::Changes([&member(1)].into_iter().collect());
        let mut knowing = Beside::new(&room.lock(), known);
        room.enter(&member(2));
        assert_eq!(read(&mut knowing, &room, None), ["joined"]);
        let mut mistaken = Beside::new(&room.lock(), known);
        assert_eq!(read(&mut mistaken, &room, None), ["present 2 false"]);
    }

    #[test]
    fn a_reader_that_missed_changes_gets_the_list_anew() {
        let room = room();
        let mut reader = Beside::new(&room.lock(), PresenceWanted::List);
        read(&mut reader, &room, None);
        for number in 0..300 {
            room.enter(&member(number));
        }
        assert_eq!(read(&mut reader, &room, None).len(), 2, "a list in two frames");
        room.exit(&member(0));
        assert_eq!(read(&mut reader, &room, None), ["left"]);
    }

    #[test]
    fn a_long_list_comes_in_several_frames() {
        let room = room();
        for number in 0..1000 {
            room.enter(&member(number));
        }
        let list = room.lock().present(room.number());
        let (mut members, mut frames) = (0, 0);
        for frame in decode::<ServerFrame<'_>>(&list) {
            let Ok(ServerFrame::Present {
                more, members: some, ..
            }) = frame
            else {
                panic!("{frame:?}")
            };
            members += some.into_iter().count();
            frames += 1;
            assert_eq!(more, members < 1000);
        }
        assert_eq!((members, frames), (1000, 5));
    }

    #[test]
    fn the_sender_of_a_signal_does_not_get_it() {
        let room = room();
        let mut reader = Beside::new(&room.lock(), PresenceWanted::Nothing);
        let (ann, bob) = (Some(SessionId([1; 16])), Some(SessionId([2; 16])));
        room.signal(ann, "ann", Payload::Text("typing"));
        assert!(read(&mut reader.clone(), &room, ann).is_empty());
        assert_eq!(read(&mut reader.clone(), &room, bob), ["signal"]);
        room.signal(None, "", Payload::Text("from the server"));
        assert_eq!(read(&mut reader, &room, ann), ["signal"]);
    }
}
