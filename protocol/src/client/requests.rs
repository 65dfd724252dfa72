//! What a user asks of a client.

use core::time::Duration;

use crate::{
    frame::{ClientFrame, Nonce, Start},
    ids::RoomName,
    payload::OwnedPayload,
    time::Instant,
};

use super::{Client, Input, PublishId, State, SubscriptionId};

impl Client {
    /// Subscribes to a room; `None` where it is subscribed to already.
    pub fn subscribe(&mut self, now: Instant, room: RoomName, start: Start, presence: bool) -> Option<SubscriptionId> {
        let id = self.subscriptions.add(room, start, presence)?;
        self.handle_input(now, Input::Timeout);
        Some(id)
    }

    /// Ends a subscription. What was on its way is dropped.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(request) = self.subscriptions.remove(id) {
            self.send(&ClientFrame::Unsubscribe { request });
        }
        self.handle_input(now, Input::Timeout);
    }

    /// Stops the messages of a subscription whose user does not take them. The room's log waits, and this its place in it.
    /// Signals, and who joined or left, are missed meanwhile.
    pub fn pause(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(request) = self.subscriptions.pause(id) {
            self.send(&ClientFrame::Unsubscribe { request });
        }
        self.handle_input(now, Input::Timeout);
    }

    /// Goes on after [`pause`](Self::pause), with the next message or a gap.
    pub fn resume(&mut self, now: Instant, id: SubscriptionId) {
        self.subscriptions.resume(id);
        self.handle_input(now, Input::Timeout);
    }

    /// Publishes to a room. What became of it is told by an event. Where it cannot be sent within `ttl`, it is not sent.
    ///
    /// # Errors
    ///
    /// Gives the payload back where the outbox is full, or the client closed.
    pub fn publish(
        &mut self,
        now: Instant,
        room: RoomName,
        payload: OwnedPayload,
        ttl: Option<Duration>,
    ) -> Result<PublishId, OwnedPayload> {
        if let State::Closed(_) = self.state {
            return Err(payload);
        }
        let id = self.outbox.push(self.now.max(now), room, payload, ttl)?;
        self.handle_input(now, Input::Timeout);
        Ok(id)
    }

    /// Signals to who is in a room. It is dropped where there is no connection, and says so.
    pub fn signal(&mut self, now: Instant, room: &RoomName, payload: &OwnedPayload) -> bool {
        let is_open = matches!(self.state, State::Open(_));
        if is_open {
            self.send(&ClientFrame::Signal {
                room: room.as_str(),
                payload: payload.as_payload(),
            });
        }
        self.handle_input(now, Input::Timeout);
        is_open
    }

    /// Asks how long a round trip takes: [`Event::RoundTrip`](super::Event::RoundTrip) tells. Says whether there is a connection to ask on.
    pub fn ping(&mut self, now: Instant) -> bool {
        self.handle_input(now, Input::Timeout);
        let State::Open(open) = &mut self.state else {
            return false;
        };
        let nonce = Nonce(self.last_nonce.wrapping_add(1).max(1));
        self.last_nonce = nonce.0;
        open.timed = Some((nonce, self.now));
        self.send(&ClientFrame::Ping(nonce));
        true
    }
}
