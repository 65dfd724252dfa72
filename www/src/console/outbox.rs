//! Sent messages that are not shown yet.
//!
//! Showing a message costs the browser more time than an answer from near by takes, and the browser delivers nothing
//! meanwhile: a round trip of 1 ms would be measured as 10. So a message that was sent is shown together with the next
//! event, or by itself when none has come for as long as nobody notices.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use yew::UseReducerDispatcher;

use crate::console::state::{Action, Outgoing, State};
use crate::stamp::Stamp;

/// What was sent and waits to be shown, and the way to everything that is shown.
pub(crate) struct Outbox {
    dispatcher: UseReducerDispatcher<State>,
    waiting: RefCell<Vec<(Outgoing, Stamp)>>,
    timer: RefCell<Option<Timeout>>,
}

impl Outbox {
    /// An empty one that tells this state.
    pub(crate) fn new(dispatcher: UseReducerDispatcher<State>) -> Self {
        Self {
            dispatcher,
            waiting: RefCell::default(),
            timer: RefCell::default(),
        }
    }

    /// Notes a message that was sent, to be shown soon.
    pub(crate) fn sent(self: &Rc<Self>, outgoing: Outgoing, at: Stamp) {
        self.waiting.borrow_mut().push((outgoing, at));
        let count = self.waiting.borrow().len();
        if count >= MAX_WAITING {
            self.show();
        } else if count == 1 {
            let outbox = Rc::downgrade(self);
            let timer = Timeout::new(UNNOTICED_MS, move || {
                if let Some(outbox) = outbox.upgrade() {
                    outbox.show();
                }
            });
            self.timer.replace(Some(timer));
        }
    }

    /// Tells the state what happened, after what was sent before it.
    pub(crate) fn tell(&self, action: Action) {
        self.show();
        self.dispatcher.dispatch(action);
    }

    // A timer that finds nothing left to show does no harm, so it is left to fire.
    fn show(&self) {
        for (outgoing, at) in self.waiting.take() {
            self.dispatcher.dispatch(Action::Sent(outgoing, at));
        }
    }
}

/// Milliseconds that a message may be shown late.
const UNNOTICED_MS: u32 = 40;
/// Messages that wait at most.
const MAX_WAITING: usize = 64;
