//! Whether something is shown in full.

use yew::prelude::*;

/// Whether it is, at first not; and what a click does, which turns it round.
#[hook]
pub(crate) fn use_toggle() -> (bool, Callback<MouseEvent>) {
    let is_on = use_state_eq(|| false);
    let (setter, was_on) = (is_on.setter(), *is_on);
    (was_on, Callback::from(move |_: MouseEvent| setter.set(!was_on)))
}
