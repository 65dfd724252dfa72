//! How others see a session.

use sha2::{Digest, Sha256};
use tidewire_protocol::{MemberId, NameError, SessionId};

/// The member that a session is: the same at every server, and nobody can tell the session by it.
pub(crate) fn of(session: SessionId) -> Result<MemberId, NameError> {
    let hash: [u8; 32] = Sha256::digest(session.0).into();
    let first = hash.iter().take(8).fold(0, |first, byte| first << 8 | u64::from(*byte));
    MemberId::new(&format!("{first:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_follows_from_its_session_and_does_not_show_it() {
        let member = of(SessionId([0; 16])).expect("a name");
        // The SHA-256 of 16 zeros begins so.
        assert_eq!(member.as_str(), "374708fff7719dd5");
        assert_ne!(Ok(member), of(SessionId([1; 16])));
    }
}
