//! Where the logs of rooms live: the contract between a server and its engine.
//!
//! A server keeps the recent messages of each room that it follows in a log of its own, from which it serves its
//! subscribers; fan-out never asks the engine. The engine decides what is said and in which order, and remembers it for as
//! long as it likes. [`MemoryEngine`] leaves the remembering to the server's log; an engine on disk or in a database feeds
//! several servers the same messages.
//!
//! What an engine must keep to:
//!
//! - **Order.** The messages of a room have offsets from 1 on, without holes, in the order in which they were accepted. Each
//!   [`Sink`] is told exactly these, in that order, whichever server appended them. It is told of a message before or soon
//!   after [`Engine::append`] has resolved with its position.
//! - **Atomicity.** A message is appended once or not at all. Once [`Engine::append`] has resolved with a position, the
//!   message has it for as long as the epoch lasts.
//! - **Idempotence.** An append whose [`Origin`] was accepted before resolves with the position it got then, and appends
//!   nothing. How long origins are remembered is the engine's choice, but longer than a server asks again
//!   ([`Settings::engine_timeout`](crate::Settings::engine_timeout)). For one origin a server asks one thing at a time, and
//!   asks again only after [`AppendError::Unknown`]; keys are asked again as often as their users like.
//! - **Epochs.** When the engine has lost messages that it had acknowledged, it begins a new epoch, which it never used
//!   before for this room, and tells every sink by [`Sink::open`]. Subscribers are then told of the loss. With the messages it
//!   has forgotten their origins, so that an append that is asked for again says in which epoch that makes sense:
//!   [`Append::epoch`].
//!
//! An engine on which several servers share sessions, so that any of them can answer any request of a client, has
//! [`SharedSessions`] too, and must keep to this:
//!
//! - **One server at a time.** A session is granted under a [`Term`]. Once it has been granted under a later one, no append
//!   of an earlier one is accepted, however late it comes: it is [`AppendError::Superseded`]. An append of a session that the
//!   engine does not know (any more) is [`AppendError::Lost`].
//! - **What is accepted stays known.** The engine remembers the last [`Claim::max_unanswered`] publishes of a session that were
//!   accepted, and where, whatever their rooms, and tells them with each grant. An append whose sequence number is lower than
//!   one that was accepted, and that is not among those, is superseded too. So the server that takes a session over knows all
//!   that became of it, asks for nothing of it again, and goes on after it: nothing is doubled, and nothing comes after what
//!   was said later.
//! - **Refusals are not remembered.** What is missing among the accepted was refused, for a reason that only the server knew
//!   that has lost the session; its client is told [`RefusalCode::UNAVAILABLE`]. What was refused after the last that was
//!   accepted is asked for again at the new server, and may be accepted there: its client has not heard of the refusal, or it
//!   would not ask again.
//! - **Lost logs.** An engine that loses messages forgets the sessions that published to them.
//! - **Presence.** With [`Engine::enter`] each server says who is in a room, and by [`Sink::enter`] and [`Sink::exit`] each is
//!   told, its own too. A member is in a room while any server says so. When a server has died, the engine takes its members
//!   out, and its sessions wait.
//!
//! [`Claim::max_unanswered`]: tidewire_protocol::Claim::max_unanswered

mod memory;
mod sessions;
mod sink;

use std::{any::Any, fmt, future::Future, pin::Pin};

use tidewire_protocol::{
    Epoch, MemberId, Offset, OwnedPayload, Position, RoomName, Sequence, SessionId, Term,
    frame::{GapCause, Payload, RefusalCode, Start},
};

pub use self::{
    memory::MemoryEngine,
    sessions::{Holder, Lease, SharedSessions},
    sink::{Hole, Record, Sink},
};

/// What an engine's methods return.
pub type EngineFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the logs of rooms live. The [module](self) says what an implementation must keep to.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Begins to tell a server what is said in a room: first by [`Sink::open`] and [`Sink::append`] as much of its past as
    /// the engine likes, then each message. Resolves once the past has been told. It ends when the value that it resolves with
    /// is dropped.
    ///
    /// # Errors
    ///
    /// When the room cannot be followed now. The server asks again when somebody needs the room.
    fn follow<'a>(&'a self, room: &'a RoomName, sink: Sink) -> EngineFuture<'a, Result<Following, Unavailable>>;

    /// Appends a message to the log of a room that the server follows, unless its origin was accepted before.
    ///
    /// # Errors
    ///
    /// See [`AppendError`].
    fn append<'a>(&'a self, append: Append<'a>) -> EngineFuture<'a, Result<Position, AppendError>>;

    /// Reads messages of the past, at most `limit` of them: the last ones, or those after a position. `None` where there
    /// is no such room.
    ///
    /// # Errors
    ///
    /// When the log cannot be read now.
    fn read<'a>(
        &'a self,
        room: &'a RoomName,
        start: Start,
        limit: usize,
    ) -> EngineFuture<'a, Result<Option<Page>, Unavailable>>;

    /// Whether what is published is still there when the server has ended. Where it is not, a server that is about to end publishes
    /// nothing more, and leaves that to its clients and the next server. Default: it is.
    fn outlives_server(&self) -> bool {
        true
    }

    /// What the servers on this engine know of each other's sessions. Default: nothing, as there is one server, or clients
    /// always come back to theirs.
    fn sessions(&self) -> Option<&dyn SharedSessions> {
        None
    }

    /// A member is in a room at a server that follows it, until the lease is dropped or the server has died. The engine tells
    /// all who follow the room, that server too, by [`Sink::enter`] and [`Sink::exit`]. Default: nobody is told.
    fn enter(&self, room: &RoomName, member: &MemberId) -> Option<Lease> {
        let _ = (room, member);
        None
    }
}

/// A message that is to be appended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Append<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// What tells it from every other message.
    pub origin: &'a Origin,
    /// Who says it; nobody for the server itself.
    pub sender: Option<&'a MemberId>,
    /// What is said.
    pub payload: Payload<'a>,
    /// It may have been appended already, in this epoch: in another it must not be, and [`AppendError::Lost`] is the answer.
    pub epoch: Option<Epoch>,
    /// Under which term the server has the session that [`origin`](Self::origin) names, where servers share sessions.
    pub term: Term,
}

/// What tells a message from every other of its room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A client's publish.
    Session(SessionId, Sequence),
    /// A publish with a key of its publisher's choice.
    Key(String),
    /// Nothing does: it is asked for once.
    None,
}

/// Why a message was not appended, as far as one knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// The engine cannot be reached, and has not appended it. Its publisher is told, and may try again.
    Unavailable,
    /// Nobody knows: the engine may have appended it. The server asks again with the same origin.
    Unknown,
    /// It was asked for again, and the log is in another epoch now. Nobody will ever know.
    Lost,
    /// Another server has taken the session over, and this message will not be appended. Its publisher asks there.
    Superseded,
    /// It will not be appended. Its publisher is told the code.
    Refused(RefusalCode),
}

/// The engine cannot be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Keeps an engine telling a server about a room. Dropping it ends that.
pub struct Following(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>);

/// Messages of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The messages, in order and without a hole.
    pub messages: Vec<LoggedMessage>,
    /// Where the page ends: what to read after next.
    pub position: Position,
    /// What is missing before the first message, where something that was asked for is no longer there.
    pub missing: Option<Missing>,
}

/// A message with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedMessage {
    /// Its place.
    pub offset: Offset,
    /// Who said it; nobody for the server itself.
    pub sender: Option<MemberId>,
    /// What was said.
    pub payload: OwnedPayload,
}

/// Messages that can no longer be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What became of them.
    pub cause: GapCause,
    /// The first of them, in the epoch that was asked about.
    pub from: Offset,
    /// Where it goes on: the next message is the one after it.
    pub resume: Position,
}

impl Following {
    /// Ends following by the drop of `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Following")
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine cannot be reached")
    }
}

impl std::error::Error for Unavailable {}
