//! What tests of the native client say and hear.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, OwnedPayload, PublishError, Publishing, Room, RoomEvent, RoomEvents, TransportKind,
};

use crate::within;

/// A client over these kinds of transport, which waits less long for all that it waits for.
///
/// # Panics
///
/// When the address is none.
#[must_use]
pub fn connect_over(address: SocketAddr, transports: &[TransportKind]) -> Client {
    let mut options = ClientOptions::default();
    options.transports = transports.to_vec();
    options.backoff.base = Duration::from_millis(20);
    options.backoff.cap = Duration::from_millis(200);
    options.climb_after = Duration::from_millis(200);
    Client::connect(&format!("ws://{address}/ws"), options).expect("an address")
}

/// The next message's text, and its offset. Before it the subscription may begin anew, and nothing else.
///
/// # Panics
///
/// When something else comes, or nothing within [`DEADLINE`](crate::DEADLINE).
pub async fn message(events: &mut RoomEvents) -> (String, u64) {
    loop {
        match within(events.next()).await.expect("not the end") {
            RoomEvent::Message {
                payload: OwnedPayload::Text(text),
                position,
                ..
            } => return (text.into(), position.offset.0),
            RoomEvent::Subscribed(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Publishes `who 0`, `who 1` and so on, with so many under way at most, until all of them were accepted.
///
/// # Panics
///
/// When one is not.
pub async fn publish_all(room: &Room, who: &str, messages: u64, most_under_way: usize) {
    let mut under_way: VecDeque<Publishing> = VecDeque::new();
    for number in 0..messages {
        if under_way.len() >= most_under_way {
            answered(under_way.pop_front()).await;
        }
        under_way.push_back(room.publish(format!("{who} {number}")));
    }
    while !under_way.is_empty() {
        answered(under_way.pop_front()).await;
    }
}

async fn answered(publishing: Option<Publishing>) {
    let outcome: Result<_, PublishError> = within(publishing.expect("one under way")).await;
    outcome.expect("accepted");
}
