//! One subscription of a connection, and what it reads in its room.

use std::{sync::Arc, task::Waker};

use tidewire_protocol::{
    Cursor, Request, RoomName, SessionId,
    frame::{PresenceWanted, Start},
    server::{Connection as Machine, Output},
};

use crate::{
    access::{Pass, Right},
    batches::Batches,
    beside::Beside,
    metrics::Metrics,
    room::{Reader, Room, SawEverything, State},
};

/// A subscription.
pub(crate) struct Joined {
    pub(crate) name: RoomName,
    /// What it was asked for by.
    pub(crate) request: Request,
    reader: Reader,
    beside: Beside,
}

impl Joined {
    /// Begins to read a room. The machine is to be given the cursor.
    pub(crate) fn new(
        request: Request,
        name: RoomName,
        room: &Arc<Room>,
        start: Start,
        presence: PresenceWanted,
    ) -> (Self, Cursor) {
        let (cursor, beside) = {
            let state = room.lock();
            (state.log.cursor(start), Beside::new(&state, presence))
        };
        let reader = Reader::new(Arc::clone(room), presence.into());
        let joined = Self {
            name,
            request,
            reader,
            beside,
        };
        (joined, cursor)
    }

    /// Whether a pass allows it.
    pub(crate) fn is_allowed_by(&self, pass: &Pass) -> bool {
        let may = |right| pass.grants().allow(&self.name, right);
        may(Right::Subscribe) && (!self.reader.follows_presence() || may(Right::Presence))
    }

    /// What its client is told of who is there.
    pub(crate) fn presence(&self) -> PresenceWanted {
        match self.reader.follows_presence() {
            true => PresenceWanted::List,
            false => PresenceWanted::Nothing,
        }
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        self.reader.room()
    }

    /// Whether there may be something to read. It costs next to nothing to ask.
    pub(crate) fn may_have_news(&self) -> bool {
        self.reader.may_have_news()
    }

    /// Moves what is new into `out`, until it is full or there is no more; then `waker` is woken by what comes next.
    pub(crate) fn read(
        &mut self,
        waker: &Waker,
        (machine, session): (&mut Machine, Option<SessionId>),
        metrics: &Metrics,
        out: &mut impl Batches,
    ) {
        let Self { reader, beside, .. } = self;
        reader.read(waker, |room, state| {
            if read_beside(beside, room, state, session, out) {
                machine.handle_beside();
            }
            read_log(machine, state, metrics, out)
        });
    }
}

/// Moves a room's messages into `out`, until it is full or there are no more.
fn read_log(machine: &mut Machine, state: &mut State, metrics: &Metrics, out: &mut impl Batches) -> SawEverything {
    while !out.is_full() {
        let frames = machine.poll_room(&mut state.log, out.room());
        let is_over = frames.is_all() || frames.is_empty();
        // What is ahead of them, such as a gap.
        loop {
            match machine.poll_output() {
                Output::Send(batch) => out.push_batch(&batch),
                Output::Told(told) => metrics.on_told(told),
                _ => break,
            }
        }
        if !frames.is_empty() {
            out.tally().on_read(frames.count(), frames.oldest());
            out.push_pieces(frames.bytes(), frames.chunks());
        }
        if is_over {
            return SawEverything::Yes;
        }
    }
    SawEverything::No
}

/// Moves what is not logged into `out`, what there is of it as one batch, and says whether there was any.
fn read_beside(
    beside: &mut Beside,
    room: &Room,
    state: &mut State,
    session: Option<SessionId>,
    out: &mut impl Batches,
) -> bool {
    let (mut frames, mut length) = (Vec::new(), 0);
    beside.read(room, state, session, |frame| {
        length += frame.len();
        frames.push(frame);
    });
    let is_any = !frames.is_empty();
    if is_any {
        out.tally().on_sent(frames.len());
        out.push_pieces(length, frames);
    }
    is_any
}
