//! The publishes of one session as the server knows them: which were answered, and how.
//!
//! A publish is recognised by its sequence number, so one that is sent again after a cut is answered and not accepted
//! twice. Answers are kept until the client has them: it says so in hello, and by going on, since it may have only so many
//! publishes without an answer.

use std::collections::VecDeque;

use crate::{
    frame::RefusalCode,
    ids::{Position, Sequence},
};

/// What became of a publish.
pub type Answer = Result<Position, RefusalCode>;

/// The publishes of one session that the client may still ask about.
#[derive(Debug)]
pub struct Ledger {
    /// Every publish up to this one was answered, and the client has the answer.
    answered: Sequence,
    /// The publishes after that, in order: their answers, or nothing while the engine has them.
    entries: VecDeque<Option<Answer>>,
    max_unanswered: usize,
}

/// What is to be done with a publish that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is new: the engine is to accept or refuse it.
    New,
    /// It arrived before, and the engine has it still. The answer will come.
    Pending,
    /// It arrived before, and this is its answer.
    Answered(Answer),
    /// The client broke the order, or has more publishes without an answer than it may have.
    Violation,
}

impl Ledger {
    /// Of a new session. At most `max_unanswered` publishes are kept.
    #[must_use]
    pub const fn new(max_unanswered: usize) -> Self {
        Self {
            answered: Sequence(0),
            entries: VecDeque::new(),
            max_unanswered,
        }
    }

    /// Of a session that another server has had, whose client has every answer up to `answered`. Those that were `accepted`
    /// after that are in order; what is missing between them was refused for some reason, which is not known any more.
    #[must_use]
    pub fn adopted(max_unanswered: usize, answered: Sequence, accepted: &[(Sequence, Position)]) -> Self {
        let last = accepted.last().map_or(answered, |(last, _)| answered.max(*last));
        let kept = (last.0.saturating_sub(answered.0)).min(max_unanswered as u64);
        let refused = Some(Err(RefusalCode::UNAVAILABLE));
        let mut ledger = Self {
            answered: Sequence((last.0 - kept).min(LAST)),
            entries: core::iter::repeat_n(refused, kept as usize).collect(),
            max_unanswered,
        };
        for &(sequence, position) in accepted {
            if let Some(entry) = ledger.index(sequence).and_then(|index| ledger.entries.get_mut(index)) {
                *entry = Some(Ok(position));
            }
        }
        ledger
    }

    /// A publish arrived.
    pub fn admit(&mut self, sequence: Sequence) -> Admission {
        match self.index(sequence) {
            Some(index) if index < self.entries.len() => match self.entries[index] {
                Some(answer) => Admission::Answered(answer),
                None => Admission::Pending,
            },
            Some(index) if index == self.entries.len() => {
                if index >= self.max_unanswered {
                    self.forget(self.answered.next());
                }
                if self.entries.len() >= self.max_unanswered {
                    return Admission::Violation;
                }
                self.entries.push_back(None);
                Admission::New
            }
            _ => Admission::Violation,
        }
    }

    /// The engine answered. Says whether the publish waited for that.
    pub fn settle(&mut self, sequence: Sequence, answer: Answer) -> bool {
        match self.index(sequence).and_then(|index| self.entries.get_mut(index)) {
            Some(entry @ None) => {
                *entry = Some(answer);
                true
            }
            _ => false,
        }
    }

    /// The client has every answer up to this one. Those that were not given yet stay.
    pub fn forget(&mut self, answered: Sequence) {
        while self.answered < answered && matches!(self.entries.front(), Some(Some(_))) {
            self.entries.pop_front();
            self.answered = self.answered.next();
        }
    }

    /// Every publish up to this one was answered.
    #[must_use]
    pub fn settled(&self) -> Sequence {
        Sequence(self.answered.0 + self.entries.iter().take_while(|entry| entry.is_some()).count() as u64)
    }

    /// The last publish that was admitted.
    #[must_use]
    pub fn last(&self) -> Sequence {
        Sequence(self.answered.0 + self.entries.len() as u64)
    }

    /// The answers that the client may not have, in order.
    pub fn answers(&self) -> impl Iterator<Item = (Sequence, Answer)> {
        let first = self.answered.0 + 1;
        (first..)
            .zip(&self.entries)
            .filter_map(|(sequence, entry)| Some((Sequence(sequence), (*entry)?)))
    }

    fn index(&self, sequence: Sequence) -> Option<usize> {
        usize::try_from(sequence.0.checked_sub(self.answered.0 + 1)?).ok()
    }
}

/// No client comes this far: there is room to count on.
const LAST: u64 = u64::MAX / 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, Offset};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn position(offset: u64) -> Position {
        Position {
            epoch: Epoch(1),
            offset: Offset(offset),
        }
    }

    #[test]
    fn a_publish_is_new_once_then_pending_then_answered() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.admit(Sequence(1)), Admission::New);
        assert_eq!(ledger.admit(Sequence(1)), Admission::Pending);
        assert!(ledger.settle(Sequence(1), Ok(position(9))));
        assert!(!ledger.settle(Sequence(1), Ok(position(10))), "only once");
        assert_eq!(ledger.admit(Sequence(1)), Admission::Answered(Ok(position(9))));
    }

    #[test]
    fn a_hole_and_what_was_forgotten_are_violations() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.admit(Sequence(0)), Admission::Violation);
        assert_eq!(ledger.admit(Sequence(2)), Admission::Violation);
        assert_eq!(ledger.admit(Sequence(1)), Admission::New);
        ledger.settle(Sequence(1), Err(RefusalCode::FORBIDDEN));
        ledger.forget(Sequence(1));
        assert_eq!(ledger.admit(Sequence(1)), Admission::Violation);
        assert_eq!(ledger.admit(Sequence(2)), Admission::New);
    }

    #[test]
    fn one_more_than_may_be_unanswered_is_a_violation_until_the_first_is_answered() {
        let mut ledger = Ledger::new(2);
        assert_eq!(
            (ledger.admit(Sequence(1)), ledger.admit(Sequence(2))),
            (Admission::New, Admission::New)
        );
        assert_eq!(ledger.admit(Sequence(3)), Admission::Violation);
        ledger.settle(Sequence(2), Ok(position(2)));
        assert_eq!(ledger.admit(Sequence(3)), Admission::Violation);
        ledger.settle(Sequence(1), Ok(position(1)));
        assert_eq!(ledger.admit(Sequence(3)), Admission::New);
        assert_eq!(ledger.entries.len(), 2);
    }

    #[test]
    fn answers_out_of_order_are_kept_and_what_is_settled_has_no_hole() {
        let mut ledger = Ledger::new(4);
        for sequence in 1..=3 {
            ledger.admit(Sequence(sequence));
        }
        ledger.settle(Sequence(2), Ok(position(2)));
        assert_eq!(ledger.settled(), Sequence(0));
        assert_eq!(ledger.answers().collect::<Vec<_>>(), [(Sequence(2), Ok(position(2)))]);
        ledger.forget(Sequence(2));
        ledger.settle(Sequence(1), Ok(position(1)));
        assert_eq!(ledger.settled(), Sequence(2));
        ledger.forget(Sequence(2));
        assert_eq!((ledger.settled(), ledger.answers().count()), (Sequence(2), 0));
    }
    #[test]
    fn an_adopted_ledger_has_what_was_accepted_and_goes_on_after_it() {
        let accepted = [(Sequence(4), position(7)), (Sequence(6), position(9))];
        let mut ledger = Ledger::adopted(4, Sequence(3), &accepted);
        assert_eq!(ledger.settled(), Sequence(6));
        let refused = Err(RefusalCode::UNAVAILABLE);
        assert_eq!(
            ledger.answers().map(|(_, answer)| answer).collect::<Vec<_>>(),
            [Ok(position(7)), refused, Ok(position(9))]
        );
        assert_eq!(ledger.admit(Sequence(3)), Admission::Violation);
        assert_eq!(ledger.admit(Sequence(6)), Admission::Answered(Ok(position(9))));
        assert_eq!(ledger.admit(Sequence(7)), Admission::New);
        let mut fresh = Ledger::adopted(4, Sequence(3), &[]);
        assert_eq!(
            (fresh.settled(), fresh.admit(Sequence(4))),
            (Sequence(3), Admission::New)
        );
    }

    #[test]
    fn what_a_client_claims_to_have_makes_no_ledger_longer_than_it_may_be() {
        let accepted = [(Sequence(1000), position(1))];
        let ledger = Ledger::adopted(4, Sequence(0), &accepted);
        assert_eq!((ledger.entries.len(), ledger.settled()), (4, Sequence(1000)));
        let mut far = Ledger::adopted(4, Sequence(u64::MAX), &accepted);
        assert_eq!(far.admit(Sequence(u64::MAX)), Admission::Violation);
        assert_eq!(far.answers().count(), 0);
        assert_eq!(far.settled(), Sequence(LAST));
    }
}
