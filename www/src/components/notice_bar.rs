//! What went wrong last.

use yew::prelude::*;

/// What the bar shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What went wrong, in one line, and what to do about it; nothing where nothing did.
    pub(crate) text: Option<(String, String)>,
    /// Called when it was read.
    pub(crate) on_dismiss: Callback<()>,
}

/// An alert. Its element is always there: screen readers announce what comes into it.
#[component]
pub(crate) fn NoticeBar(props: &Props) -> Html {
    let onclick = props.on_dismiss.reform(|_: MouseEvent| ());
    html! {
        <div class="notice-bar">
            <div id="alert" class="notice" role="alert" data-testid="alert">
                if let Some((title, detail)) = &props.text {
                    <p class="notice-title">{ title.clone() }</p>
                    <p class="notice-detail">{ detail.clone() }</p>
                }
            </div>
            if props.text.is_some() {
                <button class="button quiet" type="button" {onclick} data-testid="dismiss">{ "Dismiss" }</button>
            }
        </div>
    }
}
