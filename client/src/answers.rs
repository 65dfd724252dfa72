//! Publishes whose outcome somebody waits for.

use core::task::Waker;

use tidewire_protocol::{Position, client::PublishId};

use crate::error::PublishError;

/// What became of a publish.
pub(crate) type Published = Result<Position, PublishError>;

/// One entry for each [`Publishing`](crate::Publishing) that lives and has not taken its outcome.
#[derive(Default)]
pub(crate) struct Answers {
    list: Vec<(PublishId, Answer)>,
}

enum Answer {
    Waiting(Option<Waker>),
    Here(Published),
}

impl Answers {
    /// Somebody will ask for this one.
    pub(crate) fn expect(&mut self, id: PublishId) {
        self.list.push((id, Answer::Waiting(None)));
    }

    /// The answer has come. Who waits for it is to be woken.
    pub(crate) fn fill(&mut self, id: PublishId, published: Published, wakers: &mut Vec<Waker>) {
        // Nobody waits for it any more where it is not found.
        if let Some((_, answer)) = self.list.iter_mut().find(|(it, _)| *it == id)
            && let Answer::Waiting(waker) = core::mem::replace(answer, Answer::Here(published))
        {
            wakers.extend(waker);
        }
    }

    /// The answer, once. Where it has not come, the waker is woken when it does; the one before is given back.
    pub(crate) fn take(&mut self, id: PublishId, waker: Option<Waker>) -> Result<Published, Option<Waker>> {
        let Some(index) = self.list.iter().position(|(it, _)| *it == id) else {
            return Err(waker);
        };
        match &mut self.list[index].1 {
            Answer::Waiting(waiting) => Err(core::mem::replace(waiting, waker)),
            Answer::Here(_) => match self.list.swap_remove(index).1 {
                Answer::Here(published) => Ok(published),
                Answer::Waiting(waiting) => Err(waiting),
            },
        }
    }

    /// Nobody asks for it any more. What was kept for it is to be dropped by the caller.
    pub(crate) fn forget(&mut self, id: PublishId) -> Option<impl Sized + use<>> {
        let index = self.list.iter().position(|(it, _)| *it == id)?;
        Some(self.list.swap_remove(index))
    }
}
