//! The few things the page asks the browser for.

use std::time::Duration;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlElement, window};

use crate::address::Origin;
use crate::stamp::Stamp;

/// Where the page came from. A page without a host, such as one opened from a file, gets the server's usual address.
pub(crate) fn origin() -> Origin {
    let location = window().map(|window| window.location());
    let host = location
        .as_ref()
        .and_then(|location| location.host().ok())
        .filter(|host| !host.is_empty());
    let protocol = location.and_then(|location| location.protocol().ok());
    Origin {
        secure: protocol.as_deref() == Some("https:"),
        host: host.unwrap_or_else(|| "127.0.0.1:8080".into()),
    }
}

/// What follows the address of the page, with its `#`; empty when nothing does.
pub(crate) fn fragment() -> String {
    window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default()
}

/// Goes to another fragment of the page, with its `#`.
pub(crate) fn go_to(fragment: &str) {
    if let Some(window) = window() {
        // A browser that refuses stays where it is.
        let _ = window.location().set_hash(fragment);
    }
}

/// Names the page in its tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = window().and_then(|window| window.document()) {
        document.set_title(title);
    }
}

/// Whether nobody can see the page.
pub(crate) fn is_hidden() -> bool {
    window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.hidden())
}

/// This moment.
pub(crate) fn now() -> Stamp {
    let elapsed = window()
        .and_then(|window| window.performance())
        .map_or(0.0, |performance| performance.now());
    let date = js_sys::Date::new_0();
    let seconds = (date.get_hours() * 60 + date.get_minutes()) * 60 + date.get_seconds();
    Stamp {
        elapsed: Duration::try_from_secs_f64(elapsed / 1000.0).unwrap_or_default(),
        time_of_day: Duration::from_secs(seconds.into()) + Duration::from_millis(date.get_milliseconds().into()),
    }
}

/// The id of the element that has the keyboard, empty when none has it.
pub(crate) fn focused() -> String {
    let document = window().and_then(|window| window.document());
    document
        .and_then(|document| document.active_element())
        .map_or_else(String::new, |element| element.id())
}

/// Gives the keyboard to the element of this id, if there is one.
pub(crate) fn focus(id: &str) {
    let document = window().and_then(|window| window.document());
    let element = document.and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // It fails only where the element cannot have it, and then it stays where it is.
        let _ = element.focus();
    }
}

/// The bytes of a file; nothing when the browser cannot read it.
pub(crate) async fn read(file: &File) -> Option<Vec<u8>> {
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(js_sys::Uint8Array::new(&buffer).to_vec())
}
