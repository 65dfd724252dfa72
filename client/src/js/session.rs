//! Clients of rooms as `core.js` uses them, each by its number: in numbers and bytes, and with calls that carry many things at
//! once. Text is UTF-8.
//!
//! What comes of the network crosses into JavaScript once for each turn of the driver, or each batch of events, and not
//! once for each message.

#![allow(unreachable_pub, reason = "wasm-bindgen exports only what is public")]

use core::{cell::RefCell, time::Duration};
use std::sync::Arc;

use tidewire_protocol::{
    CloseCode, Epoch, Offset, OwnedPayload, Position, RoomName,
    client::{Attempt, Input, SubscriptionId, TransportKind},
    frame::Start,
};
use wasm_bindgen::prelude::*;

use super::{
    batch::Batch,
    packer::{Packer, Phase, Subscription},
};
use crate::{driver::Shared, options::ClientOptions, transport::Endpoint};

thread_local! {
    static CLIENTS: RefCell<Vec<(u32, Arc<Shared<Packer>>)>> = const { RefCell::new(Vec::new()) };
}

fn find(client: u32) -> Option<Arc<Shared<Packer>>> {
    CLIENTS.with_borrow(|clients| {
        let (_, shared) = clients.iter().find(|(number, _)| *number == client)?;
        Some(Arc::clone(shared))
    })
}

/// A client that does nothing yet, under this number. It will connect over so many kinds of transport: first this one, 0 for a
/// WebSocket and 1 for polls; but it begins with that one of them, if it is one. For a token that it asks for it will wait so many
/// milliseconds; it asks for none where they are negative.
#[wasm_bindgen(skip_typescript)]
pub fn create(
    client: u32,
    max_queued_bytes: f64,
    max_publishes: f64,
    first: u32,
    kinds: usize,
    begin_with: i32,
    token_timeout: f64,
) {
    let mut options = ClientOptions {
        asks_for_tokens: token_timeout >= 0.,
        token_timeout: Duration::from_millis(token_timeout as u64),
        ..ClientOptions::default()
    };
    if first == 1 {
        options.transports.swap(0, 1);
    }
    options.transports.truncate(kinds);
    options.begin_with = match begin_with {
        0 => Some(TransportKind::Stream),
        1 => Some(TransportKind::Polls),
        _ => None,
    };
    options.outbox.max_publishes = max_publishes as usize;
    let packer = Packer::new(client, max_queued_bytes as usize);
    let shared = Shared::new(Endpoint { client }, &options, packer);
    CLIENTS.with_borrow_mut(|clients| clients.push((client, shared)));
}

/// Forgets a client that has ended.
#[wasm_bindgen(skip_typescript)]
pub fn forget(client: u32) {
    let forgotten = CLIENTS.with_borrow_mut(|clients| {
        let index = clients.iter().position(|(number, _)| *number == client)?;
        Some(clients.swap_remove(index))
    });
    drop(forgotten);
}

/// Goes on with what the page before had kept, and hands to `unpack` what it had published and whose outcome will be told: as
/// messages of that number, and sent by their room. `date` is in milliseconds.
#[wasm_bindgen(skip_typescript)]
pub fn restore(client: u32, date: f64, saved: &[u8]) {
    let Some(shared) = find(client) else { return };
    let machine = &mut shared.lock().machine;
    machine.restore(shared.clock.now(), date as u64, saved);
    let mut batch = Batch::default();
    for (id, room, payload) in machine.publishes() {
        batch.put_restored(id, room, payload);
    }
    batch.unpack(client);
}

/// Hands to `keep` what the next page needs, unless the client has ended. Says whether it was kept.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn save(client: u32, date: f64) -> bool {
    let Some(shared) = find(client) else { return false };
    let session = &mut *shared.lock();
    let subscriptions = &session.sink.subscriptions;
    let taken = |id| subscriptions.iter().find(|it| it.id == id)?.taken;
    let saved = session.machine.save(shared.clock.now(), date as u64, &taken);
    saved.is_some_and(|saved| super::host::keep(client, &saved))
}

/// What happened: 0 it is to connect, 1 time has passed, 2 there is a network, or 3 none; the page 4 is back, 5 hidden, 6 shown,
/// 7 goes and may come back; 8 it is to end.
#[wasm_bindgen(skip_typescript)]
pub fn turn(client: u32, input: u32) {
    let Some(shared) = find(client) else { return };
    shared.turn(match input {
        0 => {
            // Where the browser refuses to try, it has ended, which is told as any end is.
            let _ = shared.connect();
            return;
        }
        1 => return shared.ring(),
        2 => Input::Online,
        3 => Input::Offline,
        4 => Input::Wake,
        5 => Input::Hidden,
        6 => Input::Shown,
        7 => Input::Suspend,
        _ => Input::Close,
    });
}

/// A token to show from now on; or there is none, where the program was asked for one.
#[wasm_bindgen(skip_typescript)]
pub fn token(client: u32, token: &[u8], is_had: bool) {
    let Some(shared) = find(client) else { return };
    shared.turn(Input::Token(is_had.then(|| token.into())));
}

/// What came of an attempt: code 0 once it is open, code 1 with a batch, or the code of its end.
#[wasm_bindgen(skip_typescript)]
pub fn heard(client: u32, attempt: f64, code: u16, batch: &[u8]) {
    let Some(shared) = find(client) else { return };
    let attempt = Attempt(attempt as u64);
    shared.turn(match code {
        0 => Input::Opened(attempt),
        1 => Input::Received(attempt, batch),
        code => Input::Lost(attempt, Some(CloseCode(code))),
    });
}

/// Whether a room may have this name.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn names(room: &[u8]) -> bool {
    name(room).is_some()
}

/// Subscribes. The low two bits of `flags` say where to begin, as on the wire: 0 now, 1 with `count` past messages, 2 after the
/// offset `count` of the epoch with these halves; and 4 asks for presence. Returns its number, or 0 where it is subscribed to
/// already.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn subscribe(client: u32, room: &[u8], flags: u32, count: f64, high: u32, low: u32) -> u32 {
    let start = match flags & 3 {
        1 => Start::Last(count as u32),
        2 => Start::After(position(high, low, count)),
        _ => Start::Now,
    };
    let subscribed = find(client).zip(name(room)).and_then(|(shared, room)| {
        shared.with(|session, now| {
            let id = session.machine.subscribe(now, room, start, flags & 4 != 0)?;
            session.sink.subscriptions.push(Subscription::new(id));
            Some(id.0)
        })
    });
    subscribed.unwrap_or(0)
}

/// Hands what has come of a subscription to `unpack`. Returns 0 where it did, 1 where there is nothing now, and 2 where nothing
/// follows.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn take(client: u32, id: u32) -> u32 {
    let Some(shared) = find(client) else { return 2 };
    let id = SubscriptionId(id);
    let mut session = shared.lock();
    let Some(subscription) = session.sink.subscription(id) else {
        return 2;
    };
    if subscription.batch.bytes() == 0 {
        return if subscription.phase == Phase::Ended { 2 } else { 1 };
    }
    let batch = core::mem::take(&mut subscription.batch);
    let resumes = subscription.phase == Phase::Paused;
    if resumes {
        subscription.phase = Phase::Flowing;
    }
    drop(session);
    if resumes {
        shared.with(|session, now| session.machine.resume(now, id));
    }
    batch.unpack(client);
    0
}

/// How far the program has come in a subscription.
#[wasm_bindgen(skip_typescript)]
pub fn took(client: u32, id: u32, high: u32, low: u32, offset: f64) {
    let Some(shared) = find(client) else { return };
    if let Some(subscription) = shared.lock().sink.subscription(SubscriptionId(id)) {
        subscription.taken = Some(position(high, low, offset));
    }
}

/// Ends a subscription.
#[wasm_bindgen(skip_typescript)]
pub fn unsubscribe(client: u32, id: u32) {
    let Some(shared) = find(client) else { return };
    let id = SubscriptionId(id);
    shared.with(|session, now| {
        session.sink.subscriptions.retain(|it| it.id != id);
        session.machine.unsubscribe(now, id);
    });
}

/// Publishes text, or bytes. Returns the publish's number, or 0 where it is full. Its outcome is told by `settled`.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn publish(client: u32, room: &[u8], payload: &[u8], is_text: bool, ttl: f64) -> f64 {
    let Some((shared, room)) = find(client).zip(name(room)) else {
        return 0.;
    };
    let payload = owned(payload, is_text);
    let ttl = (ttl >= 0.).then(|| Duration::from_millis(ttl as u64));
    let published = shared.with(|session, now| session.machine.publish(now, room, payload, ttl));
    published.map_or(0., |id| id.0 as f64)
}

/// Signals text, or bytes. Says whether it could.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn signal(client: u32, room: &[u8], payload: &[u8], is_text: bool) -> bool {
    let Some((shared, room)) = find(client).zip(name(room)) else {
        return false;
    };
    let payload = owned(payload, is_text);
    shared.with(|session, now| session.signal(now, &room, &payload).is_ok())
}

/// Asks for a round trip; says whether there is a connection to ask on.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn ping(client: u32) -> bool {
    find(client).is_some_and(|shared| shared.with(|session, now| session.machine.ping(now)))
}

fn position(high: u32, low: u32, offset: f64) -> Position {
    Position {
        epoch: Epoch(u64::from(high) << 32 | u64::from(low)),
        offset: Offset(offset as u64),
    }
}

fn name(room: &[u8]) -> Option<RoomName> {
    RoomName::new(str::from_utf8(room).ok()?).ok()
}

/// What says that it is text, and is not, are bytes.
fn owned(payload: &[u8], is_text: bool) -> OwnedPayload {
    match str::from_utf8(payload) {
        Ok(text) if is_text => text.into(),
        _ => payload.into(),
    }
}
