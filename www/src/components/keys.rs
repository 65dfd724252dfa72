//! The keys of a field to write in.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

/// Enter sends, and an arrow up in an empty field brings back what was sent last.
pub(crate) fn on_key(
    draft: &UseStateHandle<String>,
    last: Rc<RefCell<String>>,
    send: Callback<()>,
) -> Callback<KeyboardEvent> {
    let (setter, is_empty) = (draft.setter(), draft.is_empty());
    Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
        // An Enter that ends the composition of a character belongs to the input method.
        "Enter" if !event.shift_key() && !event.is_composing() => {
            event.prevent_default();
            send.emit(());
        }
        "ArrowUp" if is_empty => {
            event.prevent_default();
            setter.set(last.borrow().clone());
        }
        _ => {}
    })
}

/// What the keys do, for those who see it.
#[component]
pub(crate) fn KeyHints() -> Html {
    html! {
        <p class="hint keys" aria-hidden="true">
            <kbd>{ "Enter" }</kbd>{ " sends, " }<kbd>{ "Shift" }</kbd>{ "+" }<kbd>{ "Enter" }</kbd>
            { " starts a new line, " }<kbd>{ "↑" }</kbd>{ " brings back the last" }
        </p>
    }
}
