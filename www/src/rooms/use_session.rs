//! The one hook for the session: it connects, enters the room, and ends both with the page.

use gloo_timers::callback::Timeout;
use tidewire_client::RoomName;
use yew::prelude::*;

use crate::browser::now;
use crate::rooms::session::Session;
use crate::rooms::state::{Action, State};

/// The page's session, in this room.
#[hook]
pub(crate) fn use_session(state: &UseReducerHandle<State>, name: &RoomName) -> Session {
    let dispatcher = state.dispatcher();
    let session = use_memo((), |()| Session::new(dispatcher));
    let session = (*session).clone();
    {
        let session = session.clone();
        use_effect_with(state.session, move |_| {
            let tasks = session.connect();
            move || {
                drop(tasks);
                session.disconnect();
            }
        });
    }
    {
        let session = session.clone();
        use_effect_with((name.clone(), state.session), move |(name, _)| {
            let task = session.enter(name);
            move || drop(task)
        });
    }
    use_expiry(state);
    session
}

/// Tells the state when the next of those who write is to be forgotten.
#[hook]
fn use_expiry(state: &UseReducerHandle<State>) {
    let dispatcher = state.dispatcher();
    use_effect_with(state.people.next_expiry(), move |&next| {
        let timer = next.map(|next| {
            let wait = next.saturating_sub(now().elapsed).as_millis() as u32;
            // A timer may be a little early.
            Timeout::new(wait, move || {
                dispatcher.dispatch(Action::Expire(next.max(now().elapsed)))
            })
        });
        move || drop(timer)
    });
}
