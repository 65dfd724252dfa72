//! The page's own count of what it was given: lost, doubled, and told to be missing.
//!
//! The library promises that nothing is lost or doubled in silence. This does not take its word for it: it looks at the
//! offsets of the messages and at the gaps, and at nothing else.

use tidewire_client::{Gap, GapCause, Position};

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    /// The last message that was had or is known to be missing, once there was anything.
    last: Option<Position>,
    /// Messages that came.
    pub(crate) received: u64,
    /// Messages that should have come before one that did, and that no gap names.
    pub(crate) lost: u64,
    /// Messages that came although they, or later ones, had come before.
    pub(crate) doubled: u64,
    /// Gaps.
    pub(crate) gaps: u64,
}

/// What is wrong with the place of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it is the next.
    Next,
    /// It, or a later one, came before.
    Doubled,
    /// Before it this many should have come.
    Hole(u64),
}

impl Audit {
    /// A subscription has begun after this position, or goes on.
    pub(crate) fn subscribed(&mut self, position: Position) {
        // Later ones only say where the library goes on. What should come is known from what has come.
        self.last.get_or_insert(position);
    }

    /// A gap: how many messages are missing that it does not name.
    pub(crate) fn gap(&mut self, gap: &Gap) -> u64 {
        let expected = self.last.map_or(gap.from.0, |last| last.offset.0.saturating_add(1));
        let unnamed = gap.from.0.saturating_sub(expected);
        self.gaps += 1;
        self.lost += unnamed;
        self.last = Some(gap.resume);
        unnamed
    }

    /// A message.
    pub(crate) fn message(&mut self, position: Position) -> Verdict {
        self.received += 1;
        let verdict = match self.last {
            None => Verdict::Next,
            // Another life of the log without a gap that says so: nobody knows how many were lost with the old one.
            Some(last) if last.epoch != position.epoch => Verdict::Hole(1),
            Some(last) if position.offset <= last.offset => Verdict::Doubled,
            Some(last) => match position.offset.0 - last.offset.0 - 1 {
                0 => Verdict::Next,
                missing => Verdict::Hole(missing),
            },
        };
        match verdict {
            Verdict::Doubled => {
                self.doubled += 1;
                return verdict;
            }
            Verdict::Hole(missing) => self.lost += missing,
            Verdict::Next => {}
        }
        self.last = Some(position);
        verdict
    }

    /// Whether the message at this place was had, or is known to be missing.
    pub(crate) fn is_past(&self, position: Position) -> bool {
        self.last
            .is_some_and(|last| last.epoch != position.epoch || position.offset <= last.offset)
    }

    /// Counts anew from where it is.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            last: self.last,
            ..Self::default()
        };
    }
}

/// How many messages a gap names; none where nobody knows.
pub(crate) fn named(gap: &Gap) -> Option<u64> {
    match gap.cause {
        GapCause::Evicted => Some((gap.resume.offset.0 + 1).saturating_sub(gap.from.0)),
        GapCause::LogLost => None,
    }
}

#[cfg(test)]
mod tests {
    use tidewire_client::{Epoch, Offset};
    use tidewire_protocol::RoomNumber;

    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position {
            epoch: Epoch(epoch),
            offset: Offset(offset),
        }
    }

    fn gap(cause: GapCause, from: u64, resume: Position) -> Gap {
        Gap {
            room: RoomNumber(0),
            cause,
            from: Offset(from),
            resume,
        }
    }

    fn joined(offset: u64) -> Audit {
        let mut audit = Audit::default();
        audit.subscribed(at(1, offset));
        audit
    }

    fn counts(audit: Audit) -> (u64, u64, u64) {
        (audit.received, audit.lost, audit.doubled)
    }

    #[test]
    fn messages_in_their_order_are_neither_lost_nor_doubled() {
        let mut audit = joined(7);
        for offset in 8..=10 {
            assert_eq!(audit.message(at(1, offset)), Verdict::Next);
        }
        assert_eq!(counts(audit), (3, 0, 0));
    }

    #[test]
    fn each_message_that_was_passed_over_is_lost() {
        let mut audit = joined(7);
        assert_eq!(audit.message(at(1, 9)), Verdict::Hole(1));
        assert_eq!(audit.message(at(1, 13)), Verdict::Hole(3));
        assert_eq!(counts(audit), (2, 4, 0));
    }

    #[test]
    fn a_message_that_came_before_is_doubled() {
        let mut audit = joined(7);
        audit.message(at(1, 8));
        audit.message(at(1, 9));
        assert_eq!(audit.message(at(1, 9)), Verdict::Doubled);
        assert_eq!(audit.message(at(1, 8)), Verdict::Doubled);
        assert_eq!(audit.message(at(1, 10)), Verdict::Next);
        assert_eq!(counts(audit), (5, 0, 2));
    }

    #[test]
    fn where_a_subscription_says_that_it_goes_on_changes_nothing() {
        let mut audit = joined(7);
        audit.message(at(1, 8));
        audit.subscribed(at(1, 10));
        assert_eq!(audit.message(at(1, 11)), Verdict::Hole(2));
    }

    #[test]
    fn what_a_gap_names_is_not_lost() {
        let mut audit = joined(7);
        let evicted = gap(GapCause::Evicted, 8, at(1, 40));
        assert_eq!((audit.gap(&evicted), named(&evicted)), (0, Some(33)));
        assert_eq!(audit.message(at(1, 41)), Verdict::Next);
        assert_eq!(counts(audit), (1, 0, 0));
    }

    #[test]
    fn what_is_missing_before_a_gap_is_lost() {
        let mut audit = joined(7);
        assert_eq!(audit.gap(&gap(GapCause::Evicted, 10, at(1, 40))), 2);
        assert_eq!(audit.lost, 2);
    }

    #[test]
    fn another_life_of_the_log_needs_a_gap() {
        let mut audit = joined(7);
        let lost = gap(GapCause::LogLost, 8, at(2, 0));
        assert_eq!((audit.gap(&lost), named(&lost)), (0, None));
        assert_eq!(audit.message(at(2, 1)), Verdict::Next);
        assert_eq!(audit.message(at(3, 2)), Verdict::Hole(1));
        assert_eq!(counts(audit), (2, 1, 0));
    }

    #[test]
    fn counting_anew_keeps_the_place() {
        let mut audit = joined(7);
        audit.message(at(1, 9));
        audit.reset();
        assert_eq!(counts(audit), (0, 0, 0));
        assert_eq!(audit.message(at(1, 10)), Verdict::Next);
    }
}
