//! The hook for what the client is doing.

use core::cell::Cell;
use std::rc::Rc;

use futures_util::StreamExt;
use yew::prelude::*;

use super::{provider::use_client, task::Task};
use crate::{Client, ClientState, States};

/// What the client of the nearest [`ClientProvider`](super::ClientProvider) is doing; idle where there is no client.
///
/// The component is rendered again when that changes.
#[hook]
pub fn use_client_state() -> ClientState {
    let client = use_client();
    let state = client.as_ref().map_or(ClientState::Idle, Client::state);
    let shown = use_memo((), |()| Cell::new(state));
    shown.set(state);
    let update = use_force_update();
    use_effect_with(client, move |client| {
        let states = client.as_ref().map(Client::states);
        let task = states.map(|states| Task::spawn(follow(states, shown, update)));
        move || drop(task)
    });
    state
}

async fn follow(mut states: States, shown: Rc<Cell<ClientState>>, update: UseForceUpdateHandle) {
    while let Some(state) = states.next().await {
        if shown.replace(state) != state {
            update.force_update();
        }
    }
}
