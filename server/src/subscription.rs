//! A subscription of the program that runs the server.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use tidewire_protocol::{
    Cursor, MemberId, Offset, OwnedPayload, Position, decode,
    frame::{PresenceWanted, ServerFrame, Start},
};

use crate::{
    beside::Beside,
    engine::{LoggedMessage, Missing},
    history,
    room::{Interest, Reader, Room, SawEverything, State},
};

/// What happens in a room, as a stream that does not end. Dropping it unsubscribes.
///
/// It holds its place in the room's log and at most [`Subscription::READ_BYTES`], or one message, of events. Who takes them
/// too slowly gets a [`RoomEvent::Gap`], and misses signals.
#[derive(Debug)]
pub struct Subscription {
    reader: Reader,
    place: Place,
    events: VecDeque<RoomEvent>,
}

/// What happens in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Something was said.
    Message(LoggedMessage),
    /// Messages can no longer be had; the next is the one after [`Missing::resume`].
    Gap(Missing),
    /// Who is there, as a whole: at the beginning, and when changes were missed.
    Present(Vec<MemberId>),
    /// Somebody is there who was not.
    Joined(MemberId),
    /// Somebody is no longer there.
    Left(MemberId),
    /// Something was said that is not logged.
    Signal {
        /// Who said it; nobody for the server itself.
        sender: Option<MemberId>,
        /// What was said.
        payload: OwnedPayload,
    },
}

#[derive(Debug)]
struct Place {
    cursor: Cursor,
    beside: Beside,
}

impl Subscription {
    /// How many bytes of messages are decoded ahead.
    pub const READ_BYTES: usize = 16 << 10;

    pub(crate) fn new(room: Arc<Room>, start: Start) -> Self {
        let place = {
            let state = room.lock();
            Place {
                cursor: state.log.cursor(start),
                beside: Beside::new(&state, PresenceWanted::List),
            }
        };
        Self {
            reader: Reader::new(room, Interest::SaidAndPresence),
            place,
            events: VecDeque::new(),
        }
    }

    /// The last message it has had, or where it began.
    #[must_use]
    pub fn position(&self) -> Position {
        // Events hold messages that were not taken yet.
        let ahead = self.events.iter().find_map(|event| match event {
            RoomEvent::Message(message) => Some(Offset(message.offset.0 - 1)),
            _ => None,
        });
        let read = self.place.cursor.position();
        Position {
            offset: ahead.unwrap_or(read.offset),
            ..read
        }
    }
}

impl Stream for Subscription {
    type Item = RoomEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        let this = &mut *self;
        if this.events.is_empty() {
            let (place, mut read) = (&mut this.place, Read::default());
            this.reader
                .read(cx.waker(), |room, state| place.read(room, state, &mut read));
            read.decode(&mut this.events);
        }
        match this.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None => Poll::Pending,
        }
    }
}

/// What was read under the room's lock, to be decoded outside of it.
#[derive(Default)]
struct Read {
    beside: Vec<Bytes>,
    missing: Option<Missing>,
    messages: Vec<Bytes>,
}

impl Place {
    fn read(&mut self, room: &Room, state: &mut State, read: &mut Read) -> SawEverything {
        self.beside.read(room, state, None, |frame| read.beside.push(frame));
        let log = &mut state.log;
        read.missing = log.read_gap(&mut self.cursor).map(Missing::from);
        let frames = log.read(&mut self.cursor, Subscription::READ_BYTES, Offset(u64::MAX));
        read.messages.extend(frames.chunks());
        let is_nothing = read.beside.is_empty() && read.missing.is_none() && read.messages.is_empty();
        if is_nothing {
            SawEverything::Yes
        } else {
            SawEverything::No
        }
    }
}

impl Read {
    fn decode(self, events: &mut VecDeque<RoomEvent>) {
        for frame in self.beside.iter().flat_map(|frames| decode::<ServerFrame<'_>>(frames)) {
            match frame {
                Ok(ServerFrame::Signal { sender, payload, .. }) => events.push_back(RoomEvent::Signal {
                    sender: MemberId::new(sender).ok(),
                    payload: payload.into(),
                }),
                Ok(ServerFrame::Joined { member, .. }) => events.extend(MemberId::new(member).map(RoomEvent::Joined)),
                Ok(ServerFrame::Left { member, .. }) => events.extend(MemberId::new(member).map(RoomEvent::Left)),
                Ok(ServerFrame::Present { members, .. }) => {
                    let members = members.into_iter().flat_map(MemberId::new);
                    match events.back_mut() {
                        // A long list comes in several frames.
                        Some(RoomEvent::Present(list)) => list.extend(members),
                        _ => events.push_back(RoomEvent::Present(members.collect())),
                    }
                }
                // There is nothing else beside a log.
                _ => {}
            }
        }
        events.extend(self.missing.map(RoomEvent::Gap));
        events.extend(self.messages.iter().flat_map(history::messages).map(RoomEvent::Message));
    }
}
