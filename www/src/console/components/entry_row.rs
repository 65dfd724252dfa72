//! One entry of the timeline.

use std::rc::Rc;
use std::time::Duration;

use tidewire_protocol::CloseCode;
use yew::prelude::*;

use crate::components::{body, use_toggle};
use crate::console::timeline::{Entry, What};
use crate::format;
use crate::payload::Payload;

/// What the row shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// The entry.
    pub(crate) entry: Rc<Entry>,
    /// Whether there is room for only half a row of bytes.
    pub(crate) is_narrow: bool,
}

/// One entry: when, which kind, what, how large, and how long an answer took.
#[component]
pub(crate) fn EntryRow(props: &Props) -> Html {
    let (is_expanded, on_toggle) = use_toggle();
    let Entry { time_of_day, what, .. } = &*props.entry;
    let time = format::time_of_day(*time_of_day);
    let (kind, glyph) = kind_of(what);
    html! {
        <li class="entry" data-kind={kind}>
            <time class="entry-time">{ time }</time>
            <span class="entry-kind"><span class="glyph" aria-hidden="true">{ glyph }</span>{ kind }</span>
            { match what {
                What::Open { address, took } => opened(address, *took),
                What::Message { payload, round_trip } =>
                    content(payload, *round_trip, props.is_narrow, is_expanded, on_toggle),
                What::Sent(payload) => content(payload, None, props.is_narrow, is_expanded, on_toggle),
                What::Error => html! { <p class="entry-body muted">{ "The browser gives no reason." }</p> },
                What::Close { code, reason, was_clean } => closed(*code, reason, *was_clean),
            } }
        </li>
    }
}

fn kind_of(what: &What) -> (&'static str, &'static str) {
    match what {
        What::Open { .. } => ("open", "•"),
        What::Message { .. } => ("message", "↓"),
        What::Sent(_) => ("sent", "↑"),
        What::Error => ("error", "!"),
        What::Close { .. } => ("close", "×"),
    }
}

fn opened(address: &str, took: Duration) -> Html {
    html! {
        <p class="entry-body">
            <span class="entry-payload mono">{ address }</span>
            <span class="muted">{ format!(" in {}", format::round_trip(took)) }</span>
        </p>
    }
}

fn closed(code: u16, reason: &str, was_clean: bool) -> Html {
    html! {
        <p class="entry-body">
            <span class="entry-payload">
                { CloseCode(code).to_string() }
                if !reason.is_empty() {
                    { ": " }<q>{ reason }</q>
                }
            </span>
            <span class="muted">{ if was_clean { " (clean)" } else { " (no close frame)" } }</span>
        </p>
    }
}

fn content(
    payload: &Payload,
    round_trip: Option<Duration>,
    is_narrow: bool,
    is_expanded: bool,
    on_toggle: Callback<MouseEvent>,
) -> Html {
    html! {
        <>
            { body(payload, is_narrow, is_expanded, on_toggle) }
            <span class="entry-size">{ format::size(payload.size as u64) }</span>
            if let Some(time) = round_trip {
                <span class="entry-rtt" title="Round trip">{ format::round_trip(time) }</span>
            }
        </>
    }
}
