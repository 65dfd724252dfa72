//! What went wrong last.

use yew::prelude::*;

use crate::notice::Notice;

/// What the bar shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What went wrong, if anything did.
    pub(crate) notice: Option<Notice>,
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
                if let Some(notice) = &props.notice {
                    <p class="notice-title">{ notice.title() }</p>
                    <p class="notice-detail">{ notice.detail() }</p>
                }
            </div>
            if props.notice.is_some() {
                <button class="button quiet" type="button" {onclick} data-testid="dismiss">{ "Dismiss" }</button>
            }
        </div>
    }
}
