//! Subscriptions that are asked about again, since their session has another pass, and go on until it is decided.

use std::task::{Context, Poll};

use tidewire_protocol::{RoomName, frame::RefusalCode};

use crate::engine::EngineFuture;

/// What is decided of a subscription.
pub(super) type Decided = Result<(), RefusalCode>;

/// A connection's subscriptions that are asked about: at most all that it has.
#[derive(Default)]
pub(super) struct Rechecks(Vec<(RoomName, EngineFuture<'static, Decided>)>);

impl Rechecks {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All are asked about anew.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn push(&mut self, room: RoomName, deciding: EngineFuture<'static, Decided>) {
        self.0.push((room, deciding));
    }

    /// The client has left the room.
    pub(super) fn cancel(&mut self, room: &RoomName) {
        self.0.retain(|(name, _)| name != room);
    }

    /// Takes out one that is refused, and those that are allowed before it; `cx` is woken when another is decided.
    pub(super) fn poll_refused(&mut self, cx: &mut Context<'_>) -> Option<(RoomName, RefusalCode)> {
        let mut refused = None;
        self.0.retain_mut(|(room, deciding)| {
            if refused.is_some() {
                return true;
            }
            match deciding.as_mut().poll(cx) {
                Poll::Ready(Err(code)) => {
                    refused = Some((room.clone(), code));
                    false
                }
                Poll::Ready(Ok(())) => false,
                Poll::Pending => true,
            }
        });
        refused
    }
}
