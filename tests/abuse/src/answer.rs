//! How a server answers an attack.

use std::fmt;

/// What came of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// An HTTP answer.
    Status(u16),
    /// A close frame of WebSocket with this code, and then the end of the stream.
    Close(u16),
    /// A close frame of the room protocol with this code, in the answer to a poll.
    Told(u16),
    /// A refusal of the room protocol.
    Refused(u16),
    /// The stream ended without a word.
    Dropped,
    /// The connection is still good.
    GoesOn,
    /// Nobody was left to hear one.
    Unheard,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Close(code) => write!(f, "close {code}"),
            Self::Told(code) => write!(f, "told {code}"),
            Self::Refused(code) => write!(f, "refused {code}"),
            Self::Dropped => f.write_str("dropped"),
            Self::GoesOn => f.write_str("goes on"),
            Self::Unheard => f.write_str("-"),
        }
    }
}
