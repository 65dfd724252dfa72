//! What the program that runs the server says to each publish.

use std::fmt;

use tidewire_protocol::{
    MemberId, RoomName,
    frame::{Payload, RefusalCode},
};

/// A publish that a client or a request over HTTP asks for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Publishing<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// Who says it; nobody for a request over HTTP.
    pub sender: Option<&'a MemberId>,
    /// What is said.
    pub payload: Payload<'a>,
}

/// Sees each publish, and refuses it by an error.
pub(crate) struct Hook(Box<Ask>);

type Ask = dyn Fn(&Publishing<'_>) -> Result<(), RefusalCode> + Send + Sync;

impl Hook {
    pub(crate) fn new(ask: impl Fn(&Publishing<'_>) -> Result<(), RefusalCode> + Send + Sync + 'static) -> Self {
        Self(Box::new(ask))
    }

    pub(crate) fn ask(&self, publishing: &Publishing<'_>) -> Result<(), RefusalCode> {
        (self.0)(publishing)
    }
}

/// Lets everything pass.
impl Default for Hook {
    fn default() -> Self {
        Self::new(|_| Ok(()))
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
