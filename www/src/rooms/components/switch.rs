//! A switch, with a word for each of its two states.

use yew::prelude::*;

use crate::components::flag;

/// What the switch shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it switches.
    pub(crate) label: &'static str,
    /// What it is in tests.
    pub(crate) id: &'static str,
    /// What comes of switching it off.
    pub(crate) title: &'static str,
    /// Whether it is on.
    pub(crate) is_on: bool,
    /// What it is when it is not on.
    pub(crate) off: &'static str,
    /// Called with what it is to be.
    pub(crate) on_switch: Callback<bool>,
}

/// A switch.
#[component]
pub(crate) fn Switch(props: &Props) -> Html {
    let &Props {
        label,
        id,
        title,
        is_on,
        off,
        ..
    } = props;
    let onclick = props.on_switch.reform(move |_: MouseEvent| !is_on);
    html! {
        <button class="switch" type="button" role="switch" {onclick} aria-checked={flag(is_on)} {title} data-testid={id}>
            <span class="label">{ label }</span>
            <span class="switch-track" aria-hidden="true"><span class="switch-thumb" /></span>
            <span class="switch-state" aria-hidden="true">{ if is_on { "on" } else { off } }</span>
        </button>
    }
}
