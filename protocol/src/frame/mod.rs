//! Client and server frames: one documented variant per kind. `docs/PROTOCOL.md` defines them.
//!
//! Frames borrow what they were decoded from; names in them have been checked.

mod client;
mod refusal;
mod server;

use crate::codes::CloseCode;

pub use self::{
    client::{ClientFrame, Hello, PresenceWanted, Publish, Start, Subscribe},
    refusal::{RefusalCode, Refused, RefusedWhat},
    server::{Gap, GapCause, Message, Outcome, ServerFrame, Subscribed, Terms, Welcome},
};

/// The major version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// A secret: its `Debug` form does not show it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Token<'a>(pub &'a [u8]);

/// What applications exchange: opaque here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// UTF-8.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Tells one ping from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u32);

/// The end of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// Why; its range says whether to connect again.
    pub code: CloseCode,
    /// The same for people, or empty.
    pub reason: &'a str,
}

impl Payload<'_> {
    /// Its size in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, whichever kind it is.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What people say is not shown, only how much.
impl core::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(",
            Self::Binary(_) => "Binary(",
        })?;
        core::fmt::Display::fmt(&self.len(), f)?;
        f.write_str(" bytes)")
    }
}

impl core::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_empty() { "Token(none)" } else { "Token(…)" })
    }
}
