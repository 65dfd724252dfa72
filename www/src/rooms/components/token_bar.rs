//! A field for a token, where the server wants one.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::browser;
use crate::rooms::session::Session;

/// What the bar is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it acts on.
    pub(crate) session: Session,
}

/// The bar. What is pasted is the session's alone: no state of the page has it.
#[component]
pub(crate) fn TokenBar(props: &Props) -> Html {
    let input = use_node_ref();
    let onsubmit = {
        let (session, input) = (props.session.clone(), input.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(input) = input.cast::<HtmlInputElement>() else {
                return;
            };
            let token = input.value();
            input.set_value("");
            if token.trim().is_empty() {
                browser::focus("token");
            } else {
                session.show_token(token.trim());
                browser::focus("composer");
            }
        })
    };
    html! {
        <form class="token-bar" {onsubmit} aria-label="Token" novalidate=true>
            <label class="field token">
                <span class="label">{ "Token" }</span>
                <input
                    id="token"
                    ref={input}
                    type="password"
                    autocomplete="off"
                    spellcheck="false"
                    aria-describedby="token-hint"
                    data-testid="token"
                />
            </label>
            <button class="button" type="submit" data-testid="show-token">{ "Use" }</button>
            <p id="token-hint" class="hint">{ "It is kept in this page's memory only." }</p>
        </form>
    }
}
