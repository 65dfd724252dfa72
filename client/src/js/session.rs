//! A client of rooms as `client.js` uses it: in numbers and strings, and with calls that carry many things at once.
//!
//! What comes of the network crosses into JavaScript once for each turn of the driver, or each batch of events, and not
//! once for each message.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use js_sys::{JsString, Uint8Array};
use tidewire_protocol::{
    Epoch, MemberId, Offset, OwnedPayload, Position, RoomName,
    client::{ClientState, Input, SubscriptionId, TransportKind},
    frame::Start,
};
use wasm_bindgen::prelude::*;

use super::packer::{Packer, Phase, Subscription};
use crate::{
    driver::Shared,
    error::SignalErrorCause,
    options::{ClientOptions, Persist},
};

#[wasm_bindgen]
extern "C" {
    /// The object of `client.js` that is told.
    pub type Host;

    /// A turn of the driver has brought something: a state, events, or outcomes of publishes. Each outcome is five
    /// numbers: that of the publish; 0 where it was accepted, and its position; or 1 and the code with which it was
    /// refused, 2 unconfirmed, 3 expired, 4 closed. The outcome of a round trip is that of publish 0, with its time in
    /// milliseconds; and publish 0 is refused where the session is not kept for the page that follows: 0 there is no
    /// storage, 1 it is too large, 2 the storage is full.
    #[wasm_bindgen(method)]
    pub(super) fn turned(this: &Host, state: bool, events: bool, outcomes: &[f64]);

    /// [`Session::took`] is to be called for each subscription.
    #[wasm_bindgen(method)]
    pub(super) fn saving(this: &Host);

    /// The events of a subscription, as [`Batch`](super::batch::Batch) packs them.
    #[wasm_bindgen(method)]
    fn unpack(this: &Host, numbers: &[f64], names: &str, texts: &str, bytes: &[u8]);
}

/// What the class `Client` of `client.js` holds.
#[wasm_bindgen(skip_typescript)]
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared<Packer>>,
}

#[wasm_bindgen]
impl Session {
    /// Begins to connect; nothing where the browser refuses to try. It does so over so many kinds of transport: first this
    /// one, 0 for a WebSocket and 1 for polls; but it begins with that one of them, if it is one.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn open(
        url: &JsValue,
        host: Host,
        max_queued_bytes: f64,
        max_publishes: f64,
        first: u32,
        kinds: usize,
        begin_with: i32,
        persist: bool,
    ) -> Option<Self> {
        let mut options = ClientOptions::default();
        if first == 1 {
            options.transports.swap(0, 1);
        }
        options.transports.truncate(kinds);
        options.begin_with = match begin_with {
            0 => Some(TransportKind::Stream),
            1 => Some(TransportKind::Polls),
            _ => None,
        };
        if persist {
            options.persist = Persist::Tab;
        }
        options.outbox.max_publishes = max_publishes as usize;
        let packer = Packer::new(host, max_queued_bytes as usize);
        let url = url.as_string().unwrap_or_default();
        let shared = Shared::connect(&url, &options, packer).ok()?;
        Some(Self { shared })
    }

    /// What it is doing: a number, and eight times one that goes with it.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn state(&self) -> f64 {
        let machine = &self.shared.lock().machine;
        let transport = machine.transport().map_or(0, |kind| kind as u32);
        let (state, detail) = match machine.state() {
            ClientState::Open => (1, transport),
            ClientState::Waiting(wait) => (2, wait.as_millis() as u32),
            ClientState::Offline => (3, 0),
            ClientState::Unauthorized => (4, 0),
            ClientState::Closed(code) => (5, code.0.into()),
            _ => (0, 0),
        };
        f64::from(detail) * 8. + f64::from(state)
    }

    /// Who it is to others; empty before it was welcomed.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn member(&self) -> JsString {
        self.shared.lock().machine.member().map_or("", MemberId::as_str).into()
    }

    /// Whether a room may have this name.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn names(room: &JsValue) -> bool {
        name(room).is_some()
    }

    /// Subscribes. The low two bits of `flags` say where to begin, as on the wire: 0 now, 1 with `count` past messages, 2
    /// after the offset `count` of the epoch with these halves; and 4 asks for presence. Returns its number, or 0 where it
    /// is subscribed to already.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn subscribe(&self, room: &JsValue, flags: u32, count: f64, high: u32, low: u32) -> u32 {
        let start = match flags & 3 {
            1 => Start::Last(count as u32),
            2 => Start::After(position(high, low, count)),
            _ => Start::Now,
        };
        let subscribed = name(room).and_then(|room| {
            self.shared.with(|session, now| {
                let id = session.machine.subscribe(now, room, start, flags & 4 != 0)?;
                session.sink.subscriptions.push(Subscription::new(id));
                Some(id.0)
            })
        });
        subscribed.unwrap_or(0)
    }

    /// Hands what has come of a subscription to `unpack`; of subscription 0, what the page before had published and whose
    /// outcome will be told, as messages of that number and sent by their room. Returns 0 where it did, 1 where there is
    /// nothing now, and 2 where nothing follows.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn take(&self, id: u32) -> u32 {
        let id = SubscriptionId(id);
        let (host, batch) = {
            let mut session = self.shared.lock();
            let packer = &mut session.sink;
            let Some(subscription) = packer.subscriptions.iter_mut().find(|it| it.id == id) else {
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
            let host = Rc::clone(&packer.host);
            drop(session);
            if resumes {
                self.shared.with(|session, now| session.machine.resume(now, id));
            }
            (host, batch)
        };
        host.unpack(&batch.numbers, &batch.names, &batch.texts, &batch.bytes);
        0
    }

    /// How far the program has come in a subscription.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn took(&self, id: u32, high: u32, low: u32, offset: f64) {
        let mut session = self.shared.lock();
        let mut subscriptions = session.sink.subscriptions.iter_mut();
        if let Some(subscription) = subscriptions.find(|it| it.id.0 == id) {
            subscription.taken = Some(position(high, low, offset));
        }
    }

    /// Ends a subscription.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn unsubscribe(&self, id: u32) {
        let id = SubscriptionId(id);
        self.shared.with(|session, now| {
            session.sink.subscriptions.retain(|it| it.id != id);
            session.machine.unsubscribe(now, id);
        });
    }

    /// Publishes. Returns the publish's number, or 0 where it is full. Its outcome is told by `turned`.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn publish(&self, room: &JsValue, payload: &JsValue, ttl: f64) -> f64 {
        let Some(room) = name(room) else { return 0. };
        let payload = owned(payload);
        let ttl = (ttl >= 0.).then(|| Duration::from_millis(ttl as u64));
        let published = self
            .shared
            .with(|session, now| session.machine.publish(now, room, payload, ttl));
        published.map_or(0., |id| id.0 as f64)
    }

    /// Signals. Returns why not: 0 for nothing, 1 where there is no connection, 2 where too much waits.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn signal(&self, room: &JsValue, payload: &JsValue) -> u32 {
        let Some(room) = name(room) else { return 1 };
        let payload = owned(payload);
        self.shared
            .with(|session, now| match session.signal(now, &room, &payload) {
                Ok(()) => 0,
                Err(SignalErrorCause::Full) => 2,
                Err(_) => 1,
            })
    }

    /// Asks for a round trip; says whether there is a connection to ask on.
    #[wasm_bindgen(skip_jsdoc)]
    #[must_use]
    pub fn ping(&self) -> bool {
        self.shared.with(|session, now| session.machine.ping(now))
    }

    /// Ends it.
    #[wasm_bindgen(skip_jsdoc)]
    pub fn close(&self) {
        self.shared.turn(Input::Close);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.turn(Input::Close);
    }
}

fn position(high: u32, low: u32, offset: f64) -> Position {
    Position {
        epoch: Epoch(u64::from(high) << 32 | u64::from(low)),
        offset: Offset(offset as u64),
    }
}

fn name(room: &JsValue) -> Option<RoomName> {
    RoomName::new(&room.as_string()?).ok()
}

/// Text, or the bytes of a `Uint8Array`.
fn owned(payload: &JsValue) -> OwnedPayload {
    match payload.as_string() {
        Some(text) => text.into(),
        None => payload.unchecked_ref::<Uint8Array>().to_vec().into(),
    }
}
