//! Revoking, as the program that runs the server does it.

use std::sync::Arc;

use tidewire_protocol::MemberId;
use tracing::info;

use super::{Pattern, TooManyRevoked};
use crate::{hub::Hub, tidewire::Tidewire};

impl Tidewire {
    /// Ends all sessions of a subject: they are closed with 4202 and forgotten, and its connections to `/echo` and `/chat` are
    /// closed alike. What was issued to it until now is refused for
    /// [`Settings::max_token_life`](crate::Settings::max_token_life); of tokens, which tell only the second, those of this second
    /// too. Returns how many sessions there were.
    ///
    /// It is so at this server; others are to be told too.
    ///
    /// # Errors
    ///
    /// When the sessions of 100,000 other subjects were ended within that time. Then nothing is done.
    pub fn end_sessions(&self, subject: &MemberId) -> Result<usize, TooManyRevoked> {
        self.hub().revoke(subject)
    }

    /// Withdraws what was granted until now in the rooms whose names fit a pattern, from a subject or from everybody:
    /// subscriptions end, and publishes and signals are refused, until another is given that was issued later. It is remembered
    /// as for [`end_sessions`](Self::end_sessions). Returns to how many sessions it mattered.
    ///
    /// # Errors
    ///
    /// When 1,000 others were withdrawn within that time. Then nothing is done.
    pub fn withdraw(&self, rooms: &Pattern, subject: Option<&MemberId>) -> Result<usize, TooManyRevoked> {
        self.hub().withdraw(rooms, subject)
    }
}

impl Hub {
    pub(crate) fn revoke(self: &Arc<Self>, subject: &MemberId) -> Result<usize, TooManyRevoked> {
        // First it is remembered, so that who comes meanwhile finds it, or is found.
        self.decider.revoked().revoke(subject)?;
        self.guests.end_all_of(subject);
        let ended = self.sessions.end_all_of(subject);
        for (session, term) in &ended {
            self.end_everywhere(*session, *term);
        }
        info!(sessions = ended.len(), "the sessions of a subject were ended");
        Ok(ended.len())
    }

    pub(crate) fn withdraw(&self, rooms: &Pattern, subject: Option<&MemberId>) -> Result<usize, TooManyRevoked> {
        let revoked = self.decider.revoked();
        revoked.withdraw(rooms, subject)?;
        let sessions = self.sessions.repass_all(|pass| {
            let mut less = pass.clone();
            let is_less = revoked.affects(pass) && revoked.apply(&mut less).is_ok();
            is_less.then_some(less)
        });
        info!(%rooms, sessions, "grants were withdrawn");
        Ok(sessions)
    }
}
