//! The page as a whole: one state, one connection, and who is shown what.

use yew::prelude::*;

use crate::browser;
use crate::components::{Composer, ConnectionBar, Header, NoticeBar, TimelineView};
use crate::state::{Action, State};
use crate::use_socket::use_socket;

/// The page.
#[component]
pub(crate) fn App() -> Html {
    let state = use_reducer(State::default);
    let connection = use_socket(state.dispatcher());
    use_effect_with(state.phase.name(), |&phase| follow(phase));

    let on_dismiss = {
        let dispatcher = state.dispatcher();
        Callback::from(move |()| {
            dispatcher.dispatch(Action::Dismiss);
            browser::focus("composer");
        })
    };
    let on_clear = {
        let dispatcher = state.dispatcher();
        Callback::from(move |()| dispatcher.dispatch(Action::Clear))
    };
    let field = state.notice.as_ref().and_then(|notice| notice.field());
    html! {
        <div class="app">
            <Header
                phase={state.phase.name()}
                sent={state.sent}
                received={state.received}
                round_trips={state.round_trips.clone()}
            />
            <main>
                <ConnectionBar
                    connection={connection.clone()}
                    can_connect={state.phase.is_closed()}
                    can_close={state.phase.is_closable()}
                    {field}
                />
                <NoticeBar notice={state.notice.clone()} {on_dismiss} />
                <TimelineView timeline={state.timeline.clone()} {on_clear} />
                <Composer {connection} {field} />
            </main>
        </div>
    }
}

/// Once the connection is open the next thing to do is to write, so the keyboard goes there, unless it is busy elsewhere.
fn follow(phase: &str) {
    if phase == "open" && matches!(browser::focused().as_str(), "connect" | "address" | "endpoint" | "") {
        browser::focus("composer");
    }
}
