//! A room of the Tidewire protocol: `docs/PROTOCOL.md`. It is strict: whatever a server does that this workload gives no
//! reason for is an error.

use anyhow::{Context, Result, bail, ensure};
use tidewire_protocol::{
    Epoch, Frame as _, Offset, Position, Request, RoomNumber, Sequence, SessionId, decode,
    frame::{
        ClientFrame, Hello, Outcome, Payload, PresenceWanted, Publish, ServerFrame, Start, Subscribe, Subscribed,
        Token, VERSION, Welcome,
    },
};

use super::dialect::{Heard, Purpose};
use crate::frame::{self, Message};

/// A client in one room.
#[derive(Debug)]
pub(crate) struct Rooms {
    purpose: Purpose,
    /// Which transport this is, from 1. Each has one request, of the same number.
    attempt: u32,
    /// The session to go on with.
    session: Option<SessionId>,
    /// How the server names the room, once it has.
    room: Option<RoomNumber>,
    /// Of the last message that came.
    position: Option<Position>,
    published: Sequence,
}

impl Rooms {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            attempt: 1,
            session: None,
            room: None,
            position: None,
            published: Sequence(0),
        }
    }

    /// The same client on its next transport.
    pub(super) fn come_back(&mut self) {
        self.attempt += 1;
        self.room = None;
    }

    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        let hello = Hello {
            version: VERSION,
            attempt: self.attempt.into(),
            session: self.session,
            answered: self.published,
            token: Token(&[]),
        };
        put(out, &ClientFrame::Hello(hello));
    }

    /// Publishes `payload`, which must be text.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        self.published = self.published.next();
        let publish = Publish {
            sequence: self.published,
            room: ROOM,
            payload: Payload::Text(str::from_utf8(payload).unwrap_or_default()),
        };
        put(out, &ClientFrame::Publish(publish));
    }

    pub(super) fn hear(
        &mut self,
        batch: &[u8],
        out: &mut Vec<u8>,
        on_heard: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        for frame in decode(batch) {
            match frame.context("a frame that breaks a rule")? {
                ServerFrame::Message(message) => {
                    let offset = self.next(message.room, message.offset)?;
                    on_heard(Heard::Broadcast(message.payload.as_bytes()))?;
                    self.position = Some(offset);
                }
                ServerFrame::Published { sequence, .. } => on_heard(Heard::Accepted(sequence.0))?,
                ServerFrame::Welcome(welcome) => self.on_welcome(&welcome, out, on_heard)?,
                ServerFrame::Subscribed(subscribed) => self.on_subscribed(&subscribed, on_heard)?,
                ServerFrame::Ping(nonce) => put(out, &ClientFrame::Pong(nonce)),
                other => bail!("the server said {other:?}"),
            }
        }
        Ok(())
    }

    fn on_welcome(
        &mut self,
        welcome: &Welcome<'_>,
        out: &mut Vec<u8>,
        on_heard: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        let expected = self.session.map_or(Outcome::New, |_| Outcome::Resumed);
        ensure!(welcome.outcome == expected, "a session that is {:?}", welcome.outcome);
        self.session = Some(welcome.session);
        if self.purpose == Purpose::Send {
            return on_heard(Heard::Joined);
        }
        let subscribe = Subscribe {
            request: Request(self.attempt),
            start: self.position.map_or(Start::Now, Start::After),
            presence: PresenceWanted::Nothing,
            room: ROOM,
        };
        put(out, &ClientFrame::Subscribe(subscribe));
        Ok(())
    }

    fn on_subscribed(
        &mut self,
        subscribed: &Subscribed,
        on_heard: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        ensure!(self.room.is_none(), "subscribed twice");
        let had = *self.position.get_or_insert(subscribed.position);
        ensure!(had == subscribed.position, "not subscribed where it was left");
        self.room = Some(subscribed.room);
        on_heard(Heard::Joined)
    }

    /// The position of a message, which must be the next of the room.
    fn next(&self, room: RoomNumber, offset: Offset) -> Result<Position> {
        ensure!(self.room == Some(room), "a message of another room");
        let Position { epoch, offset: last } = self.position.unwrap_or(NOWHERE);
        ensure!(
            offset == last.next(),
            "expected offset {}, got {}",
            last.next().0,
            offset.0
        );
        Ok(Position { epoch, offset })
    }
}

fn put(out: &mut Vec<u8>, frame: &ClientFrame<'_>) {
    let mut batch = Vec::new();
    frame.encode(&mut batch);
    frame::put(out, Message::Binary(&batch));
}

const ROOM: &str = "bench";

const NOWHERE: Position = Position {
    epoch: Epoch(0),
    offset: Offset(0),
};
