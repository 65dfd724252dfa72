//! Which transport worked at an address, for the pages that follow: in the browser's local storage, where there is one.

use core::{future::poll_fn, pin::Pin};
use std::sync::Arc;

use futures_core::Stream as _;
use js_sys::{Date, Reflect};
use tidewire_protocol::client::TransportKind;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::Storage;

use crate::{driver::Shared, inbox::Inbox, watch::States};

/// What worked last, unless that was long ago.
pub(crate) fn recall(url: &str) -> Option<TransportKind> {
    let kept = storage()?.get_item(&key(url)).ok()??;
    let (name, at) = kept.split_once(' ')?;
    let age = Date::now() - at.parse::<f64>().ok()?;
    if !(0. ..KEPT_FOR_MS).contains(&age) {
        return None;
    }
    let (kind, _) = NAMES.iter().find(|(_, it)| *it == name)?;
    Some(*kind)
}

/// Keeps it. Where it cannot be kept, the next page tries all kinds in their order.
fn keep(url: &str, kind: TransportKind) {
    if let Some(storage) = storage()
        && let Some((_, name)) = NAMES.iter().find(|(it, _)| *it == kind)
    {
        let kept = format!("{name} {}", Date::now());
        let _ = storage.set_item(&key(url), &kept);
    }
}

/// Keeps what a client talks over, from now until it ends.
pub(crate) fn follow(url: &str, client: &Arc<Shared<Inbox>>) {
    let (url, client) = (url.to_owned(), Arc::clone(client));
    let mut states = States::new(Arc::clone(&client));
    spawn_local(async move {
        while poll_fn(|cx| Pin::new(&mut states).poll_next(cx)).await.is_some() {
            let session = client.lock();
            // Where there is no choice, nothing is learned for others.
            let kind = session.machine.transport().filter(|_| session.has_choice());
            drop(session);
            if let Some(kind) = kind {
                keep(&url, kind);
            }
        }
    });
}

/// Workers have none, and a page may be kept from its own.
fn storage() -> Option<Storage> {
    let storage = Reflect::get(&js_sys::global(), &"localStorage".into()).ok()?;
    storage.dyn_into().ok()
}

fn key(url: &str) -> String {
    format!("tidewire {url}")
}

/// As the npm package calls them, which keeps the same.
const NAMES: [(TransportKind, &str); 2] = [(TransportKind::Stream, "websocket"), (TransportKind::Polls, "polling")];
/// Half an hour: networks change.
const KEPT_FOR_MS: f64 = 30. * 60. * 1000.;
