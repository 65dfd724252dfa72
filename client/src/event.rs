//! What a subscription tells.

use tidewire_protocol::{
    MemberId, OwnedPayload, Position,
    frame::{Gap, RefusalCode},
};

/// What a subscription tells.
///
/// Messages come in the order of their offsets, each once. Where some can no longer be had, a gap names them, before the
/// message that follows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// It has begun, or goes on after a reconnect: the next message is the one after this position, unless a gap comes
    /// first.
    Subscribed(Position),
    /// A message.
    Message {
        /// Its place: what to give to [`SubscribeOptions::after`](crate::SubscribeOptions::after) to go on behind it.
        position: Position,
        /// Who published it; nobody for the server itself.
        sender: Option<MemberId>,
        /// What was said.
        payload: OwnedPayload,
    },
    /// Messages that can no longer be had.
    Gap(Gap),
    /// Somebody is in the room who was not.
    Joined(MemberId),
    /// Somebody is no longer in the room.
    Left(MemberId),
    /// Who is in the room: after it has begun, and after each reconnect.
    Present(Vec<MemberId>),
    /// A message that is not logged.
    Signal {
        /// Who sent it; nobody for the server itself.
        sender: Option<MemberId>,
        /// What was said.
        payload: OwnedPayload,
    },
    /// The server refused the subscription, or ended it. Nothing follows.
    Ended(RefusalCode),
}

impl RoomEvent {
    /// The place in the room's log that it leads to.
    #[cfg(target_arch = "wasm32")]
    pub(crate) const fn position(&self) -> Option<Position> {
        match self {
            Self::Subscribed(position) | Self::Message { position, .. } => Some(*position),
            Self::Gap(gap) => Some(gap.resume),
            _ => None,
        }
    }

    /// About how many bytes it takes to keep it.
    pub(crate) fn cost(&self) -> usize {
        let bytes = match self {
            Self::Message { payload, .. } | Self::Signal { payload, .. } => payload.as_payload().len(),
            Self::Present(members) => members.len() * size_of::<MemberId>(),
            _ => 0,
        };
        bytes.saturating_add(OVERHEAD)
    }
}

/// About what an event takes beside its bytes: a slot in the queue, and an allocation.
const OVERHEAD: usize = 64;
