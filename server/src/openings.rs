//! Subscriptions that wait to be allowed, or for their rooms.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use tidewire_protocol::{
    Request, RoomName,
    frame::{PresenceWanted, RefusalCode, Start},
};

use crate::{engine::EngineFuture, room::Room};

/// What a client asked for by a subscribe.
pub(crate) struct Wanted {
    pub(crate) request: Request,
    pub(crate) room: RoomName,
    pub(crate) start: Start,
    pub(crate) presence: PresenceWanted,
}

/// A room, or why there is none.
pub(crate) type Opened = Result<Arc<Room>, RefusalCode>;

/// A connection's subscriptions whose rooms are being opened. Bounded by its terms: those that wait count as subscriptions.
#[derive(Default)]
pub(crate) struct Openings(Vec<(Wanted, EngineFuture<'static, Opened>)>);

impl Openings {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, wanted: Wanted, opening: EngineFuture<'static, Opened>) {
        self.0.push((wanted, opening));
    }

    /// Takes out all, to be asked for anew.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Wanted> + use<> {
        mem::take(&mut self.0).into_iter().map(|(wanted, _)| wanted)
    }

    /// The client no longer wants the room.
    pub(crate) fn cancel(&mut self, room: &RoomName) {
        self.0.retain(|(wanted, _)| wanted.room != *room);
    }

    /// Takes out one whose room has been opened, or could not be.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Wanted, Opened)> {
        for (index, (_, opening)) in self.0.iter_mut().enumerate() {
            if let Poll::Ready(opened) = opening.as_mut().poll(cx) {
                let (wanted, _) = self.0.swap_remove(index);
                return Poll::Ready((wanted, opened));
            }
        }
        Poll::Pending
    }
}
