//! The rooms page as a whole: one state, one session, and who is shown what.

use tidewire_client::{ClientState, RoomName};
use yew::prelude::*;

use crate::browser;
use crate::components::{Header, NoticeBar, Tab, nought, round_trip, sparkline, stat};
use crate::format;
use crate::rooms::components::{Composer, PeoplePanel, RoomBar, TimelineView, TokenBar};
use crate::rooms::state::{Action, State};
use crate::rooms::use_session::use_session;

/// What the page is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// The room that the address names.
    pub(crate) name: RoomName,
}

/// The rooms.
#[component]
pub(crate) fn RoomsPage(props: &Props) -> Html {
    let state = use_reducer(State::default);
    let session = use_session(&state, &props.name);
    use_effect_with(props.name.clone(), |name| {
        browser::set_title(&format!("{} · Tidewire", name.as_str()))
    });

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
    let is_wrong = state.notice.as_ref().is_some_and(|notice| notice.is_about_name());
    html! {
        <div class="app">
            <Header tab={Tab::Rooms} phase={state.phase()}>
                { stats(&state) }
                { sparkline(&state.round_trips) }
            </Header>
            <main>
                <RoomBar session={session.clone()} name={props.name.clone()} link={state.link} transports={state.transports} {is_wrong} />
                <NoticeBar {text} {on_dismiss} />
                if state.wants_token {
                    <TokenBar session={session.clone()} />
                }
                <div class="room">
                    <TimelineView
                        session={session.clone()}
                        timeline={state.timeline.clone()}
                        me={state.me.clone()}
                        {on_clear}
                    />
                    <PeoplePanel
                        people={state.people.clone()}
                        me={state.me.clone()}
                        is_current={state.connection == ClientState::Open}
                    />
                </div>
                <Composer {session} people={state.people.clone()} />
            </main>
        </div>
    }
}

fn stats(state: &State) -> Html {
    let audit = state.audit;
    let gaps = match audit.gaps {
        0 => html! {},
        gaps => html! { <span class="stat-more">{ format::plural(gaps, "gap", "gaps") }</span> },
    };
    let unanswered = state.timeline.unanswered() as u64;
    html! {
        <dl class="stats figures">
            { stat("Received", "count-received", format::count(audit.received), html! {}) }
            { stat("Waiting", "count-waiting", format::count(unanswered), html! {}) }
            { nought("Lost", "count-lost", LOST, audit.lost, gaps) }
            { nought("Doubled", "count-doubled", DOUBLED, audit.doubled, html! {}) }
            { round_trip(&state.round_trips, html! {}) }
        </dl>
    }
}

const LOST: &str = "Messages that should have come and did not, by the page's own count of offsets. What a gap names is not lost in silence.";
const DOUBLED: &str = "Messages that came twice, by the page's own count of offsets.";
