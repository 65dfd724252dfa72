//! Random names, from the system.

use tidewire_protocol::{Epoch, SessionId};

/// The system has no random numbers to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRandomness;

/// A session's name: 128 bits that nobody can guess.
pub(crate) fn session() -> Result<SessionId, NoRandomness> {
    bytes().map(SessionId)
}

/// A name for one life of a log, different from those of its other lives.
pub(crate) fn epoch() -> Result<Epoch, NoRandomness> {
    bytes().map(u64::from_be_bytes).map(Epoch)
}

fn bytes<const COUNT: usize>() -> Result<[u8; COUNT], NoRandomness> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
