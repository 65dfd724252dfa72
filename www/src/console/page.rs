//! The console as a whole: one state, one connection, and who is shown what.

use yew::prelude::*;

use crate::browser;
use crate::components::{Header, NoticeBar, Tab, range, round_trip, sparkline, stat};
use crate::console::components::{Composer, ConnectionBar, TimelineView};
use crate::console::state::{Action, State, Tally};
use crate::console::use_socket::use_socket;
use crate::format;

/// The console.
#[component]
pub(crate) fn ConsolePage() -> Html {
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
    let text = state.notice.as_ref().map(|notice| (notice.title(), notice.detail()));
    let field = state.notice.as_ref().and_then(|notice| notice.field());
    html! {
        <div class="app">
            <Header tab={Tab::Console} phase={state.phase.name()}>
                <dl class="stats">
                    { tally("Sent", "count-sent", "bytes-sent", state.sent) }
                    { tally("Received", "count-received", "bytes-received", state.received) }
                    { round_trip(state.round_trips.recent(), range(state.round_trips.recent())) }
                </dl>
                { sparkline(state.round_trips.recent()) }
            </Header>
            <main>
                <ConnectionBar
                    connection={connection.clone()}
                    can_connect={state.phase.is_closed()}
                    can_close={state.phase.is_closable()}
                    {field}
                />
                <NoticeBar {text} {on_dismiss} />
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

fn tally(title: &'static str, messages: &'static str, bytes: &'static str, tally: Tally) -> Html {
    let more = html! { <span class="stat-more" data-testid={bytes}>{ format::size(tally.bytes) }</span> };
    stat(title, messages, format::count(tally.messages), more)
}
