//! A log that scrolls: its entries, the newest at the end.

use web_sys::HtmlElement;
use yew::prelude::*;

use crate::format;

/// What the log shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// How many entries were ever noted.
    pub(crate) noted: u64,
    /// How many of them have made room for newer ones.
    pub(crate) dropped: u64,
    /// How many are kept at most.
    pub(crate) limit: usize,
    /// Called when they are no longer wanted.
    pub(crate) on_clear: Callback<()>,
    /// What is shown while there are none.
    #[prop_or_default]
    pub(crate) intro: Html,
    /// The entries: items of a list.
    pub(crate) children: Html,
}

/// The log.
///
/// The style sheet lets it scroll from its end (`column-reverse`), so that the browser keeps it at the newest entry for
/// as long as the person is there, and keeps still what is being read otherwise.
#[component]
pub(crate) fn Log(props: &Props) -> Html {
    let scroller = use_node_ref();
    // How many entries had been noted when the end went out of sight.
    let left_at = use_state_eq(|| None::<u64>);

    let onscroll = {
        let (scroller, setter, left, noted) = (scroller.clone(), left_at.setter(), *left_at, props.noted);
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
                { props.intro.clone() }
                <ol class="entries" data-testid="timeline">{ props.children.clone() }</ol>
            </div>
            if let Some(left) = *left_at {
                { latest(props.noted.saturating_sub(left), on_latest) }
            }
        </section>
    }
}

fn bar(props: &Props) -> Html {
    let Props { dropped, limit, .. } = props;
    let onclick = props.on_clear.reform(|_: MouseEvent| ());
    html! {
        <div class="timeline-bar">
            <h2 id="timeline-title">{ "Timeline" }</h2>
            if *dropped > 0 {
                <p class="hint" data-testid="dropped">
                    { format!("The newest {limit}; {}", format::plural(*dropped, "older entry dropped", "older entries dropped")) }
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
