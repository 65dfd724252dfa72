//! The content of a message, as much as is kept and as much as is asked for.

use yew::prelude::*;

use super::flag;
use crate::format;
use crate::hex;
use crate::payload::{Body, Payload};

/// The content, and the button that shows more or less of it.
pub(crate) fn body(payload: &Payload, is_narrow: bool, is_expanded: bool, on_toggle: Callback<MouseEvent>) -> Html {
    let (text, shown) = excerpt(payload, is_narrow, is_expanded);
    let kept = payload.kept();
    html! {
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
    use super::*;

    #[test]
    fn a_long_text_is_shown_in_part_until_asked_for() {
        for (text, shown) in [
            ("short".to_owned(), 5),
            ("x".repeat(EXCERPT_BYTES), EXCERPT_BYTES),
            ("x".repeat(EXCERPT_BYTES + 1), EXCERPT_BYTES),
            ("line\n".repeat(EXCERPT_LINES + 1), 5 * EXCERPT_LINES),
        ] {
            let payload = Payload::of_text(&text);
            assert_eq!(excerpt(&payload, false, false).1, shown);
            assert_eq!(excerpt(&payload, false, true), (text.clone(), text.len()));
        }
    }

    #[test]
    fn a_narrow_screen_gets_rows_of_eight_bytes() {
        let payload = Payload::of_bytes(&[0; 200]);
        assert_eq!(excerpt(&payload, false, false).1, 128);
        assert_eq!(excerpt(&payload, true, false).1, 64);
        assert_eq!(excerpt(&payload, true, true).1, 200);
    }
}
