//! What the timeline of the console shows.

use std::time::Duration;

use crate::entries::{self, Entries};
use crate::payload::Payload;

/// What happened on the connection, in order.
pub(crate) type Timeline = Entries<What>;
/// One thing that happened.
pub(crate) type Entry = entries::Entry<What>;

/// What an entry tells: one of the four events of a WebSocket, or a message that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The connection opened.
    Open {
        /// The full address.
        address: String,
        /// How long that took from the request to connect.
        took: Duration,
    },
    /// A message arrived.
    Message {
        /// Its size, and as much of it as is kept.
        payload: Payload,
        /// The time since the message was sent that this one answers.
        round_trip: Option<Duration>,
    },
    /// A message was handed to the browser.
    Sent(Payload),
    /// The connection failed. The event carries no reason: browsers keep it to themselves.
    Error,
    /// The connection ended.
    Close {
        /// The status code of the close frame, or what the browser reports without one.
        code: u16,
        /// What the other side said, often nothing.
        reason: String,
        /// Whether both sides exchanged close frames.
        was_clean: bool,
    },
}
