//! The hook for what follows the `#` of the page's address.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::window;
use yew::prelude::*;

use crate::browser;
use crate::route::Route;

/// The page that the address names now.
#[hook]
pub(crate) fn use_route() -> Route {
    let route = use_state_eq(|| Route::of(&browser::fragment()));
    let setter = route.setter();
    use_effect_with((), move |()| {
        let on_change = Closure::<dyn Fn()>::new(move || setter.set(Route::of(&browser::fragment())));
        if let Some(window) = window() {
            window.set_onhashchange(Some(on_change.as_ref().unchecked_ref()));
        }
        move || {
            if let Some(window) = window() {
                window.set_onhashchange(None);
            }
            drop(on_change);
        }
    });
    (*route).clone()
}
