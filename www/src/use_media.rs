//! The hook for what CSS cannot do alone: rendering something else on a narrow screen.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::window;
use yew::prelude::*;

/// Whether a media query, such as `(max-width: 40rem)`, holds now.
#[hook]
pub(crate) fn use_media(query: &'static str) -> bool {
    let matches = use_state_eq(|| media(query).is_some_and(|list| list.matches()));
    let setter = matches.setter();
    use_effect_with((), move |()| {
        let list = media(query);
        let watched = list.clone();
        let on_change =
            Closure::<dyn Fn()>::new(move || setter.set(watched.as_ref().is_some_and(|list| list.matches())));
        if let Some(list) = &list {
            list.set_onchange(Some(on_change.as_ref().unchecked_ref()));
        }
        move || {
            if let Some(list) = &list {
                list.set_onchange(None);
            }
            drop(on_change);
        }
    });
    *matches
}

fn media(query: &str) -> Option<web_sys::MediaQueryList> {
    window()?.match_media(query).ok()?
}
