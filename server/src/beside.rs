//! What a reader is told beside messages: signals, and who is there.

use bytes::Bytes;
use tidewire_protocol::{SessionId, TransientCursor, TransientKind};

use crate::room::{Interest, Room, State};

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
    /// From now on. Who follows presence is told the whole list first.
    pub(crate) fn new(state: &State, interest: Interest) -> Self {
        Self {
            cursor: state.transients.cursor(),
            presence: match interest {
                Interest::Said => Told::Nothing,
                Interest::SaidAndPresence => Told::List,
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
