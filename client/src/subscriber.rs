//! What a client keeps for one subscription: a bounded queue of events, and who is in the room.

use core::task::Waker;
use std::collections::VecDeque;

use tidewire_protocol::{
    Epoch, MemberId, Position, RoomName,
    client::{Event, SubscriptionId},
};

use crate::event::RoomEvent;

/// One subscription's queue and presence.
pub(crate) struct Subscriber {
    pub(crate) id: SubscriptionId,
    pub(crate) room: RoomName,
    queue: VecDeque<RoomEvent>,
    bytes: usize,
    max_bytes: usize,
    pub(crate) phase: Phase,
    pub(crate) waker: Option<Waker>,
    /// The epoch that offsets belong to, once it has begun.
    epoch: Epoch,
    /// How far the program has come.
    #[cfg(target_arch = "wasm32")]
    pub(crate) taken: Option<Position>,
    /// In order, so that one can be found.
    members: Vec<MemberId>,
    /// A list of members that is not complete yet.
    arriving: Vec<MemberId>,
}

/// ```text
/// Flowing <── half taken ── Paused
///    └────── full ───────────^
/// both ── refused, or the client closed ──> Ended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Events come.
    Flowing,
    /// The queue was full, and the server was told to send no more.
    Paused,
    /// Nothing follows what is in the queue.
    Ended,
}

impl Subscriber {
    pub(crate) fn new(id: SubscriptionId, room: RoomName, max_bytes: usize) -> Self {
        Self {
            id,
            room,
            queue: VecDeque::new(),
            bytes: 0,
            max_bytes,
            phase: Phase::Flowing,
            waker: None,
            epoch: Epoch(0),
            #[cfg(target_arch = "wasm32")]
            taken: None,
            members: Vec::new(),
            arriving: Vec::new(),
        }
    }

    /// Takes what the session tells of this subscription.
    pub(crate) fn take(&mut self, event: Event) {
        let event = match event {
            Event::Subscribed(_, position) => {
                self.epoch = position.epoch;
                RoomEvent::Subscribed(position)
            }
            Event::Message {
                offset,
                sender,
                payload,
                ..
            } => RoomEvent::Message {
                position: Position {
                    epoch: self.epoch,
                    offset,
                },
                sender,
                payload,
            },
            Event::Gap(_, gap) => {
                self.epoch = gap.resume.epoch;
                RoomEvent::Gap(gap)
            }
            Event::Signal { sender, payload, .. } => RoomEvent::Signal { sender, payload },
            Event::Joined(_, member) => {
                if !insert(&mut self.members, &member) {
                    return;
                }
                RoomEvent::Joined(member)
            }
            Event::Left(_, member) => {
                let Ok(at) = self.members.binary_search(&member) else {
                    return;
                };
                self.members.remove(at);
                RoomEvent::Left(member)
            }
            Event::Present { members, more, .. } => {
                for member in &members {
                    insert(&mut self.arriving, member);
                }
                if more {
                    return;
                }
                self.members = core::mem::take(&mut self.arriving);
                RoomEvent::Present(self.members.clone())
            }
            Event::SubscriptionRefused(_, code) => {
                self.push(RoomEvent::Ended(code));
                self.phase = Phase::Ended;
                return;
            }
            _ => return,
        };
        self.push(event);
    }

    fn push(&mut self, event: RoomEvent) {
        self.bytes = self.bytes.saturating_add(event.cost());
        self.queue.push_back(event);
    }

    pub(crate) fn pop(&mut self) -> Option<RoomEvent> {
        let event = self.queue.pop_front()?;
        self.bytes -= event.cost();
        #[cfg(target_arch = "wasm32")]
        {
            self.taken = event.position().or(self.taken);
        }
        Some(event)
    }

    /// Whether it holds more than it may.
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes > self.max_bytes
    }

    /// Whether enough was taken to go on.
    pub(crate) const fn has_room(&self) -> bool {
        self.bytes <= self.max_bytes / 2
    }

    pub(crate) fn members(&self) -> &[MemberId] {
        &self.members
    }
}

/// Puts a member into its place, and says whether it was not there. Servers tell them in order, so it is mostly the last.
fn insert(members: &mut Vec<MemberId>, member: &MemberId) -> bool {
    let place = members.binary_search(member);
    if let Err(at) = place {
        members.insert(at, member.clone());
    }
    place.is_err()
}
