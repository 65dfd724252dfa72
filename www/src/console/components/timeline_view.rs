//! The timeline: every event, the newest at the end.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::entry_row::EntryRow;
use crate::format;
use crate::timeline::{MAX_ENTRIES, Timeline};
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
///
/// The style sheet lets it scroll from its end (`column-reverse`), so that the browser keeps it at the newest entry for
/// as long as the person is there, and keeps still what is being read otherwise.
#[component]
pub(crate) fn TimelineView(props: &Props) -> Html {
    let is_narrow = use_media("(max-width: 44rem)");
    let scroller = use_node_ref();
    // How many entries had been noted when the end went out of sight.
    let left_at = use_state_eq(|| None::<u64>);

    let onscroll = {
        let (scroller, setter, left, noted) = (scroller.clone(), left_at.setter(), *left_at, props.timeline.noted());
        Callback::from(move |_: Event| match (is_at_end(&scroller), left) {
            (true, _) => setter.set(None),
            (false, None) => setter.set(Some(noted)),
            (false, Some(_)) => {}
        })
    };
    let on_latest = {
        let scroller = scroller.clone();
        Callback::from(move |_: MouseEvent| go_to_end(&scroller))
    };
    html! {
        <section class="timeline" aria-labelledby="timeline-title">
            { bar(props) }
            <div class="scroller" ref={scroller} {onscroll} role="log" aria-labelledby="timeline-title" tabindex="0">
                if props.timeline.is_empty() {
                    { first_steps() }
                }
                <ol class="entries" data-testid="timeline">
                    { for props.timeline.entries().map(|entry| html! {
                        <EntryRow key={entry.id} entry={entry.clone()} {is_narrow} />
                    }) }
                </ol>
            </div>
            if let Some(left) = *left_at {
                { latest(props.timeline.noted().saturating_sub(left), on_latest) }
            }
        </section>
    }
}

fn bar(props: &Props) -> Html {
    let dropped = props.timeline.dropped();
    let onclick = props.on_clear.reform(|_: MouseEvent| ());
    html! {
        <div class="timeline-bar">
            <h2 id="timeline-title">{ "Timeline" }</h2>
            if dropped > 0 {
                <p class="hint" data-testid="dropped">
                    { format!("The newest {MAX_ENTRIES}; {}", format::plural(dropped, "older entry dropped", "older entries dropped")) }
                </p>
            }
            <button class="button quiet" type="button" {onclick} data-testid="clear">{ "Clear" }</button>
        </div>
    }
}

fn latest(new: u64, onclick: Callback<MouseEvent>) -> Html {
    let text = match new {
        0 => "Go to the newest".into(),
        new => format!("{} below", format::plural(new, "new entry", "new entries")),
    };
    html! { <button class="button latest" type="button" {onclick} data-testid="latest">{ text }</button> }
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
            </dl>
        </div>
    }
}

// Positions count back from the end, so they are negative.
fn is_at_end(scroller: &NodeRef) -> bool {
    scroller
        .cast::<HtmlElement>()
        .is_none_or(|element| element.scroll_top() > -NEAR)
}

fn go_to_end(scroller: &NodeRef) {
    if let Some(element) = scroller.cast::<HtmlElement>() {
        element.set_scroll_top(0);
        // The button that was pressed is about to go.
        let _ = element.focus();
    }
}

/// Pixels from the end that still count as the end.
const NEAR: i32 = 24;
