//! The timeline: every event, the newest at the end.

use yew::prelude::*;

use super::entry_row::EntryRow;
use crate::components::Log;
use crate::console::timeline::Timeline;
use crate::entries::MAX_ENTRIES;
use crate::use_media::use_media;

/// What the timeline shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What happened.
    pub(crate) timeline: Timeline,
    /// Called when it is no longer wanted.
    pub(crate) on_clear: Callback<()>,
}

/// The timeline.
#[component]
pub(crate) fn TimelineView(props: &Props) -> Html {
    let is_narrow = use_media("(max-width: 44rem)");
    let Props { timeline, on_clear } = props;
    let intro = if timeline.is_empty() {
        first_steps()
    } else {
        html! {}
    };
    html! {
        <Log noted={timeline.noted()} dropped={timeline.dropped()} limit={MAX_ENTRIES} {on_clear} {intro}>
            { for timeline.entries().map(|entry| html! {
                <EntryRow key={entry.id} entry={entry.clone()} {is_narrow} />
            }) }
        </Log>
    }
}

fn first_steps() -> Html {
    html! {
        <div class="first-steps">
            <p class="first-steps-title">{ "Nothing has happened yet." }</p>
            <ol>
                <li>{ "Choose an endpoint, or type the address of any WebSocket." }</li>
                <li>{ "Press " }<strong>{ "Connect" }</strong>{ "." }</li>
                <li>{ "Write a message and press " }<kbd>{ "Enter" }</kbd>{ "." }</li>
            </ol>
            <dl>
                <div><dt class="mono">{ "/echo" }</dt><dd>{ "sends every message straight back" }</dd></div>
                <div><dt class="mono">{ "/chat" }</dt><dd>{ "passes each one on to everybody else; try it in two tabs" }</dd></div>
                <div><dt class="mono">{ "/ws" }</dt><dd>{ "is for sessions: see what they talk over, and block it, under " }<strong>{ "Rooms" }</strong></dd></div>
            </dl>
        </div>
    }
}
