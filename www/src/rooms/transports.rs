//! What the session talks over, what it may have, and what is blocked.

use tidewire_client::TransportKind;

/// What is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transports {
    /// What the session talks over, while it can talk.
    pub(crate) in_use: Option<TransportKind>,
    /// What it talked over last.
    last: Option<TransportKind>,
    /// What it may have.
    pub(crate) choice: Choice,
    blocked: [bool; KINDS.len()],
}

/// What the session may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Whatever works, and rather a WebSocket.
    #[default]
    Automatic,
    /// This alone.
    Only(TransportKind),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The switch of the link was moved.
    Cut,
    /// What it talked over was blocked.
    Blocked(TransportKind),
    /// What it talked over is not what was chosen.
    Left(TransportKind),
    /// By itself.
    Unasked,
}

impl Transports {
    /// The session talks over this now, or cannot talk. Which kind it has moved to, if it has moved.
    pub(crate) fn follow(&mut self, in_use: Option<TransportKind>) -> Option<TransportKind> {
        let before = self.last;
        self.in_use = in_use;
        self.last = in_use.or(before);
        in_use.filter(|kind| before.is_some_and(|before| before != *kind))
    }

    /// Why the connection has ended that there was.
    pub(crate) fn loss(&self) -> Loss {
        match self.last {
            Some(last) if self.is_blocked(last) => Loss::Blocked(last),
            Some(last) if !self.choice.kinds().contains(&last) => Loss::Left(last),
            _ => Loss::Unasked,
        }
    }

    pub(crate) const fn is_blocked(&self, kind: TransportKind) -> bool {
        self.blocked[kind as usize]
    }

    pub(crate) const fn block(&mut self, kind: TransportKind, is_blocked: bool) {
        self.blocked[kind as usize] = is_blocked;
    }

    /// Whether something is blocked that the session may have.
    pub(crate) fn is_any_blocked(&self) -> bool {
        self.choice.kinds().iter().any(|kind| self.is_blocked(*kind))
    }

    /// Whether all is blocked that it may have.
    pub(crate) fn is_all_blocked(&self) -> bool {
        self.choice.kinds().iter().all(|kind| self.is_blocked(*kind))
    }
}

impl Choice {
    /// All of them, as they are offered.
    pub(crate) const ALL: [Self; 3] = [
        Self::Automatic,
        Self::Only(TransportKind::Stream),
        Self::Only(TransportKind::Polls),
    ];

    /// The kinds, in the order in which they are tried.
    pub(crate) fn kinds(self) -> Vec<TransportKind> {
        match self {
            Self::Automatic => KINDS.to_vec(),
            Self::Only(kind) => vec![kind],
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "Automatic",
            Self::Only(kind) => name(kind),
        }
    }

    /// The one with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// What people call it.
pub(crate) const fn name(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Stream => "WebSocket",
        TransportKind::Polls => "Polling",
    }
}

/// All kinds, in the order in which the client tries them.
pub(crate) const KINDS: [TransportKind; 2] = [TransportKind::Stream, TransportKind::Polls];

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: TransportKind = TransportKind::Stream;
    const POLLS: TransportKind = TransportKind::Polls;

    #[test]
    fn a_move_is_from_one_kind_to_another_with_or_without_a_break() {
        let mut transports = Transports::default();
        assert_eq!(transports.follow(Some(STREAM)), None, "the first is no move");
        assert_eq!(transports.follow(None), None);
        assert_eq!(transports.follow(Some(STREAM)), None);
        assert_eq!(transports.follow(None), None);
        assert_eq!(transports.follow(Some(POLLS)), Some(POLLS));
        assert_eq!(transports.follow(Some(STREAM)), Some(STREAM));
        assert_eq!(transports.in_use, Some(STREAM));
    }

    #[test]
    fn why_a_connection_ended_follows_from_what_was_asked_for() {
        let mut transports = Transports::default();
        transports.follow(Some(STREAM));
        transports.follow(None);
        assert_eq!(transports.loss(), Loss::Unasked);
        transports.choice = Choice::Only(POLLS);
        assert_eq!(transports.loss(), Loss::Left(STREAM));
        transports.block(STREAM, true);
        assert_eq!(transports.loss(), Loss::Blocked(STREAM));
    }

    #[test]
    fn what_is_blocked_counts_where_it_may_be_had() {
        let mut transports = Transports::default();
        let counts = |transports: Transports| (transports.is_any_blocked(), transports.is_all_blocked());
        transports.block(STREAM, true);
        assert_eq!(counts(transports), (true, false));
        transports.choice = Choice::Only(STREAM);
        assert_eq!(counts(transports), (true, true));
        transports.choice = Choice::Only(POLLS);
        assert_eq!(counts(transports), (false, false));
    }

    #[test]
    fn each_choice_has_a_name_of_its_own() {
        for choice in Choice::ALL {
            assert_eq!(Choice::named(choice.name()), Some(choice));
        }
        assert_eq!(Choice::named("carrier pigeon"), None);
    }
}
