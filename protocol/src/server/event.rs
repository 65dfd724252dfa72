//! What a connection is told, what it wants, and what only its driver can do.

use core::time::Duration;

use crate::{
    codes::CloseCode,
    frame::{GapCause, PresenceWanted, RefusalCode, Start, Terms},
    ids::{Request, RoomName, RoomNumber, Sequence},
    ledger::Answer,
    log::Cursor,
    payload::OwnedPayload,
    sessions::{Asked, Attached},
    time::Instant,
};

/// What a connection keeps to, and tells its client.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The client must say hello within this time. Default: 10 s.
    pub hello_timeout: Duration,
    /// What the welcome says.
    pub terms: Terms,
}

/// What a connection is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A batch from the client.
    Received(&'a [u8]),
    /// The one batch of a poll, the first input and the last that comes from the client: hello, and what belongs to the
    /// session that it asks for.
    Polled(Vec<u8>),
    /// Time has passed.
    Timeout,
    /// The result of [`Action::Attach`]. The token is good for so long, zero for ever.
    Attached(&'a Attached, Duration),
    /// The result of [`Action::Authenticate`]: the token is good for so long, zero for ever.
    Authenticated(Duration),
    /// The result of [`Action::Subscribe`].
    Subscribed(Request, Result<(RoomNumber, Cursor), RefusalCode>),
    /// The result of [`Action::Publish`], also of one that came over an earlier connection of the session.
    Answered(Sequence, Answer),
    /// The server will close soon; clients are to come back after a time between the two.
    GoAway(Duration, Duration),
    /// It is to close soon: from now on no publish is taken. Once it [`is_settled`](super::Connection::is_settled), and rooms have
    /// nothing more for it, it can be closed with a code that [says so](CloseCode::is_settled).
    Finish,
    /// The result of [`Action::Publish`] where the server is about to end: it is as if this one had not come, and those after
    /// it.
    NotTaken(Sequence),
    /// It is to close: the server's wish, a token that was not good, or a take-over.
    Close(CloseCode),
}

/// What a connection wants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// This batch is to be sent, before anything that comes later.
    Send(Vec<u8>),
    /// Something only the driver can do.
    Do(Action),
    /// It has told its client this, which is for who counts such things. What it has [told](Self::Send) is sent as ever.
    Told(Told),
    /// Nothing, until this moment or the next input.
    Timeout(Option<Instant>),
}

/// What a client was told, beside what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A publish or a subscription was refused.
    Refused(RefusalCode),
    /// Messages are missing.
    Gap(GapCause),
}

/// Something only the driver can do.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Check the token and attach a session: [`Input::Attached`], or [`Input::Close`].
    Attach {
        /// What the client asks for.
        asked: Asked,
        /// The token. A secret.
        token: Box<[u8]>,
    },
    /// Check a new token: [`Input::Authenticated`], or [`Input::Close`].
    Authenticate {
        /// The token. A secret.
        token: Box<[u8]>,
    },
    /// Open a cursor into a room's log: [`Input::Subscribed`].
    Subscribe {
        /// The client's request.
        request: Request,
        /// The room.
        room: RoomName,
        /// Where to begin.
        start: Start,
        /// What to tell of who is there.
        presence: PresenceWanted,
    },
    /// A subscription is over.
    Unsubscribe {
        /// The room.
        room: RoomName,
    },
    /// A publish arrived. Ask [`Sessions::admit`](crate::Sessions::admit) what to do with it.
    Publish {
        /// Its place among the session's.
        sequence: Sequence,
        /// The room.
        room: RoomName,
        /// What is said; or why it is to be refused, in its place in the order.
        payload: Result<OwnedPayload, RefusalCode>,
    },
    /// Pass a signal on to who is in the room.
    Signal {
        /// The room.
        room: RoomName,
        /// What is said.
        payload: OwnedPayload,
    },
    /// The client has ended its session.
    End,
    /// Close the transport, once what was to be sent is sent. The last action.
    Close(CloseCode),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(10),
            terms: Terms::default(),
        }
    }
}

/// Tokens and payloads are not shown.
impl core::fmt::Debug for Action {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Attach { asked, .. } => f.debug_struct("Attach").field("asked", asked).finish_non_exhaustive(),
            Self::Authenticate { .. } => f.write_str("Authenticate(…)"),
            Self::Subscribe {
                request, room, start, ..
            } => f
                .debug_struct("Subscribe")
                .field("request", request)
                .field("room", room)
                .field("start", start)
                .finish(),
            Self::Unsubscribe { room } => f.debug_struct("Unsubscribe").field("room", room).finish(),
            Self::Publish {
                sequence,
                room,
                payload,
            } => f
                .debug_struct("Publish")
                .field("sequence", sequence)
                .field("room", room)
                .field("payload", payload)
                .finish(),
            Self::Signal { room, payload } => f
                .debug_struct("Signal")
                .field("room", room)
                .field("payload", payload)
                .finish(),
            Self::End => f.write_str("End"),
            Self::Close(code) => f.debug_tuple("Close").field(code).finish(),
        }
    }
}
