//! What was not granted, and why.

use crate::ids::{Request, Sequence};

/// A request was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub what: RefusedWhat,
    /// Why.
    pub code: RefusalCode,
}

/// What was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWhat {
    /// A publish. It will not be accepted under this sequence number.
    Publish(Sequence),
    /// A subscription, which has ended if it had begun.
    Subscription(Request),
}

/// Why a request was not granted. Numbers from 1 to 99 are the client's doing: the same request will be refused again.
/// Those from 100 may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalCode(pub u16);

impl RefusalCode {
    /// The session may not do that in this room.
    pub const FORBIDDEN: Self = Self(1);
    /// The payload is larger than the server takes.
    pub const PAYLOAD_TOO_BIG: Self = Self(2);
    /// The session has as many subscriptions as it may have.
    pub const TOO_MANY_SUBSCRIPTIONS: Self = Self(3);
    /// The session is subscribed to this room already.
    pub const ALREADY_SUBSCRIBED: Self = Self(4);
    /// The program that runs the server refused it.
    pub const REJECTED: Self = Self(5);
    /// The engine that keeps the log could not be reached.
    pub const UNAVAILABLE: Self = Self(100);
    /// More was sent than is taken in so short a time.
    pub const RATE_LIMITED: Self = Self(101);
    /// The server has as many rooms as it may have.
    pub const TOO_MANY_ROOMS: Self = Self(102);
    /// As many are in the room as may be.
    pub const ROOM_FULL: Self = Self(103);

    /// Whether the same request may be granted later.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        self.0 >= 100
    }
}
