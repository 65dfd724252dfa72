//! The one hook for the session: it connects, enters the room, and ends both with the page.

use gloo_timers::callback::Timeout;
use tidewire_client::RoomName;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{PageTransitionEvent, window};
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
        use_effect_with((), move |()| {
            let tasks = session.connect();
            move || {
                drop(tasks);
                session.disconnect();
            }
        });
    }
    {
        let session = session.clone();
        use_effect_with(name.clone(), move |name| {
            let task = session.enter(name);
            move || drop(task)
        });
    }
    use_farewell(&session);
    use_expiry(state);
    session
}

/// Ends the session when the page goes for good. Components are not told of that, and without a farewell others would see
/// this page for as long as the server waits for its return.
#[hook]
fn use_farewell(session: &Session) {
    let session = session.clone();
    use_effect_with((), move |()| {
        let on_hide = Closure::<dyn Fn(PageTransitionEvent)>::new(move |event: PageTransitionEvent| {
            // A page that may be shown again goes on then.
            if !event.persisted() {
                session.disconnect();
            }
        });
        if let Some(window) = window() {
            window.set_onpagehide(Some(on_hide.as_ref().unchecked_ref()));
        }
        move || {
            if let Some(window) = window() {
                window.set_onpagehide(None);
            }
            drop(on_hide);
        }
    });
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
