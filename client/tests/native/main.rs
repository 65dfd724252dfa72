//! The native client against a server of the tests' own, over real sockets.
#![cfg(not(target_arch = "wasm32"))]

mod peer;
mod sessions;
mod tokens;

use std::{future::Future, time::Duration};

use futures_util::{Stream, StreamExt};
use peer::Peer;
use tidewire_client::{Client, ClientOptions, ClientState, OwnedPayload, RoomEvent, RoomEvents};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("came within the deadline")
}

pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    within(stream.next()).await.expect("the stream has not ended")
}

/// The next event that is none of `Subscribed`.
pub(crate) async fn news(events: &mut RoomEvents) -> RoomEvent {
    loop {
        match next(events).await {
            RoomEvent::Subscribed(_) => {}
            event => return event,
        }
    }
}

pub(crate) async fn text(events: &mut RoomEvents) -> String {
    match news(events).await {
        RoomEvent::Message {
            payload: OwnedPayload::Text(text),
            ..
        } => text.into(),
        event => panic!("not text: {event:?}"),
    }
}

pub(crate) async fn texts(events: &mut RoomEvents, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(text(events).await);
    }
    texts
}

pub(crate) fn numbers(range: impl Iterator<Item = usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

pub(crate) fn connect(peer: &Peer) -> Client {
    connect_with(peer, |_| {})
}

pub(crate) fn connect_with(peer: &Peer, change: impl FnOnce(&mut ClientOptions)) -> Client {
    let mut options = ClientOptions::default();
    options.backoff.base = Duration::from_millis(20);
    change(&mut options);
    Client::connect(&peer.url(), options).expect("an address")
}

pub(crate) async fn reach(client: &Client, wanted: impl Fn(ClientState) -> bool) {
    let mut states = client.states();
    within(async { while !wanted(states.next().await.expect("not the end")) {} }).await;
}

pub(crate) async fn open(client: &Client) {
    reach(client, |state| state == ClientState::Open).await;
}
