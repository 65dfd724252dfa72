//! One entry of the timeline.

use std::rc::Rc;
use std::time::Duration;

use tidewire_protocol::CloseCode;
use yew::prelude::*;

use super::flag;
use crate::format;
use crate::hex;
use crate::timeline::{Body, Entry, Payload, What};

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
    let is_expanded = use_state_eq(|| false);
    let on_toggle = {
        let (setter, expanded) = (is_expanded.setter(), *is_expanded);
        Callback::from(move |_: MouseEvent| setter.set(!expanded))
    };
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
                    content(payload, *round_trip, props.is_narrow, *is_expanded, on_toggle),
                What::Sent(payload) => content(payload, None, props.is_narrow, *is_expanded, on_toggle),
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
    let (text, shown) = excerpt(payload, is_narrow, is_expanded);
    let kept = payload.kept();
    html! {
        <>
            <div class="entry-body">
                if payload.size == 0 {
                    <p class="muted">{ if matches!(payload.body, Body::Text(_)) { "empty text" } else { "no bytes" } }</p>
                }
                <pre class={classes!("entry-payload", "mono", matches!(payload.body, Body::Binary(_)).then_some("dump"))}>
                    { text }
                </pre>
                if shown < kept || is_expanded {
                    <button class="button quiet more" type="button" onclick={on_toggle} aria-expanded={flag(is_expanded)}>
                        { if is_expanded { "Show less".into() } else { format!("Show {} more", format::size((kept - shown) as u64)) } }
                    </button>
                }
                if kept < payload.size {
                    <p class="hint">
                        { format!("The timeline keeps the first {} of {}.", format::size(kept as u64), format::size(payload.size as u64)) }
                    </p>
                }
            </div>
            <span class="entry-size">{ format::size(payload.size as u64) }</span>
            if let Some(time) = round_trip {
                <span class="entry-rtt" title="Round trip">{ format::round_trip(time) }</span>
            }
        </>
    }
}

/// What is shown of a payload, and how many of its bytes that is.
fn excerpt(payload: &Payload, is_narrow: bool, is_expanded: bool) -> (String, usize) {
    match &payload.body {
        Body::Text(text) => {
            let shown = if is_expanded { text.as_str() } else { beginning(text) };
            (shown.into(), shown.len())
        }
        Body::Binary(bytes) => {
            let width = if is_narrow { 8 } else { 16 };
            let shown = if is_expanded {
                bytes.len()
            } else {
                bytes.len().min(width * EXCERPT_LINES)
            };
            (hex::dump(&bytes[..shown], width), shown)
        }
    }
}

fn beginning(text: &str) -> &str {
    let lines: usize = text.split_inclusive('\n').take(EXCERPT_LINES).map(str::len).sum();
    &text[..text.floor_char_boundary(lines.min(EXCERPT_BYTES))]
}

/// Lines shown before a person asks for more.
const EXCERPT_LINES: usize = 8;
/// Bytes of a text shown before a person asks for more.
const EXCERPT_BYTES: usize = 480;

#[cfg(test)]
mod tests {
    use tidewire_client::Message;

    use super::*;

    #[test]
    fn a_long_text_is_shown_in_part_until_asked_for() {
        for (text, shown) in [
            ("short".to_owned(), 5),
            ("x".repeat(EXCERPT_BYTES), EXCERPT_BYTES),
            ("x".repeat(EXCERPT_BYTES + 1), EXCERPT_BYTES),
            ("line\n".repeat(EXCERPT_LINES + 1), 5 * EXCERPT_LINES),
        ] {
            let payload = Payload::of(&Message::Text(text.clone()));
            assert_eq!(excerpt(&payload, false, false).1, shown);
            assert_eq!(excerpt(&payload, false, true), (text.clone(), text.len()));
        }
    }

    #[test]
    fn a_narrow_screen_gets_rows_of_eight_bytes() {
        let payload = Payload::of(&Message::Binary(vec![0; 200]));
        assert_eq!(excerpt(&payload, false, false).1, 128);
        assert_eq!(excerpt(&payload, true, false).1, 64);
        assert_eq!(excerpt(&payload, true, true).1, 200);
    }
}
