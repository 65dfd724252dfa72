//! What may befall a connection.

use tokio::sync::watch;

use super::plan::Direction;

/// What befalls a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    None,
    /// It ends, and both sides are told so.
    Cut,
    /// It is reset: both sides lose what they have not read.
    Reset,
    /// What is sent on it is swallowed, and neither side is told of anything.
    HalfOpen,
    /// What is sent on it stays where it is.
    Stall,
    /// What is sent in this direction stays where it is; the other goes on.
    Hold(Direction),
    /// It passes on some 16 KB a second in each direction.
    Slow,
    /// It is reset before anything was said.
    Refuse,
}

/// What a connection does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    Slow,
    /// Nothing is read until the mode changes.
    Stall,
    Hold(Direction),
    Swallow,
    Cut,
    Reset,
    /// As `Reset`; only for those that come.
    Refuse,
}

impl Mode {
    pub(super) const fn of(fault: Fault) -> Self {
        match fault {
            Fault::None => Self::Pass,
            Fault::Cut => Self::Cut,
            Fault::Reset => Self::Reset,
            Fault::HalfOpen => Self::Swallow,
            Fault::Stall => Self::Stall,
            Fault::Hold(direction) => Self::Hold(direction),
            Fault::Slow => Self::Slow,
            Fault::Refuse => Self::Refuse,
        }
    }

    /// Whether what is sent in this direction stays where it is.
    pub(super) fn holds(self, direction: Direction) -> bool {
        self == Self::Stall || self == Self::Hold(direction)
    }

    /// Whether the connection is over.
    pub(super) const fn is_end(self) -> bool {
        matches!(self, Self::Cut) || self.is_reset()
    }

    /// Whether it was reset.
    pub(super) const fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::Refuse)
    }
}

/// Changes what a connection does, if it can; whether that changed.
pub(super) fn change(link: &watch::Sender<Mode>, next: Mode) -> bool {
    link.send_if_modified(|mode| {
        let next = match (*mode, next) {
            (mode, _) if mode.is_end() => mode,
            // A stream must not have a hole.
            (Mode::Swallow, next) if !next.is_end() => Mode::Cut,
            (_, next) => next,
        };
        std::mem::replace(mode, next) != next
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(from: Mode, to: Mode) -> Mode {
        let link = watch::Sender::new(from);
        change(&link, to);
        *link.borrow()
    }

    #[test]
    fn what_was_swallowed_is_never_followed_by_more() {
        let held = Mode::Hold(Direction::ToClient);
        for next in [Mode::Pass, Mode::Slow, Mode::Stall, held, Mode::Cut] {
            assert_eq!(changed(Mode::Swallow, next), Mode::Cut);
        }
        assert_eq!(changed(Mode::Swallow, Mode::Reset), Mode::Reset);
        assert_eq!(changed(Mode::Stall, Mode::Pass), Mode::Pass);
    }

    #[test]
    fn a_connection_that_ended_stays_ended() {
        for next in [Mode::Pass, Mode::Swallow, Mode::Reset] {
            assert_eq!(changed(Mode::Cut, next), Mode::Cut);
        }
    }
}
