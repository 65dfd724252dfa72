//! What must hold.

use std::collections::{BTreeMap, BTreeSet};

use tidewire_protocol::{
    Position,
    client::{Event, PublishId, SubscriptionId},
};

use super::model::{Check, Model, Said};

/// The client's number in the model.
const CLIENT: usize = 0;

/// What the client was told.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// What must hold between machines that nobody lies to.
    pub(super) model: Model,
    pub(super) is_honest: bool,
    subscriptions: BTreeMap<SubscriptionId, Reader>,
    publishes: BTreeSet<PublishId>,
    answered: BTreeSet<PublishId>,
}

#[derive(Debug, Default)]
struct Reader {
    position: Option<Position>,
    is_paused: bool,
}

impl Checks {
    pub(super) fn on_subscribe(&mut self, id: SubscriptionId, room: &str) {
        self.subscriptions.insert(id, Reader::default());
        self.model.on_subscribe(CLIENT, id, room, false);
    }

    pub(super) fn on_unsubscribe(&mut self, id: SubscriptionId) {
        self.subscriptions.remove(&id);
        self.model.on_unsubscribe(CLIENT, id);
    }

    pub(super) fn on_pause(&mut self, id: SubscriptionId, is_paused: bool) {
        if let Some(reader) = self.subscriptions.get_mut(&id) {
            reader.is_paused = is_paused;
        }
    }

    pub(super) fn on_publish(&mut self, id: PublishId, said: Said) {
        assert!(self.publishes.insert(id), "{id:?} was given out before");
        self.model.on_publish(CLIENT, id, said);
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        self.check_order(event);
        if self.is_honest {
            self.check_promises(event).expect("a promise");
        }
        if let Event::SubscriptionRefused(id, _) = event {
            self.on_unsubscribe(*id);
        }
    }

    /// What holds whatever the server says.
    fn check_order(&mut self, event: &Event) {
        match event {
            Event::Subscribed(id, position) => self.reader(*id).position = Some(*position),
            Event::Message {
                subscription, offset, ..
            } => {
                let position = self.reader(*subscription).position.as_mut().expect("a position");
                assert_eq!(*offset, position.offset.next(), "nothing is skipped");
                position.offset = *offset;
            }
            Event::Gap(id, gap) => {
                let position = self.reader(*id).position.replace(gap.resume).expect("a position");
                assert_eq!(gap.from, position.offset.next(), "a gap begins with what is missing");
            }
            Event::Published(id, _) | Event::PublishFailed(id, ..) => {
                assert!(self.publishes.contains(id), "{id:?} was never published");
                assert!(self.answered.insert(*id), "{id:?} was answered twice");
            }
            Event::Joined(id, _)
            | Event::Left(id, _)
            | Event::Signal { subscription: id, .. }
            | Event::Present { subscription: id, .. } => drop(self.reader(*id)),
            _ => {}
        }
    }

    fn reader(&mut self, id: SubscriptionId) -> &mut Reader {
        let reader = self.subscriptions.get_mut(&id).expect("a subscription that goes on");
        assert!(!reader.is_paused, "nothing is told of what is paused");
        reader
    }

    /// What a server that keeps the protocol must bring about too.
    fn check_promises(&mut self, event: &Event) -> Check {
        let model = &mut self.model;
        match event {
            Event::Subscribed(id, position) => model.on_subscribed(CLIENT, *id, *position),
            Event::Message {
                subscription,
                offset,
                payload,
                ..
            } => model.on_message(CLIENT, *subscription, *offset, said(payload).expect("a number")),
            Event::Gap(id, gap) => model.on_gap(CLIENT, *id, gap),
            Event::Published(id, position) => model.on_published(CLIENT, *id, *position),
            Event::PublishFailed(id, error, _) => model.on_publish_failed(CLIENT, *id, *error),
            _ => Ok(()),
        }
    }

    /// When nothing is to come any more, all publishes were answered.
    pub(super) fn check_all_answered(&self) {
        assert_eq!(self.publishes, self.answered);
    }

    /// Whether every subscription has had all there is.
    pub(super) fn check_converged(&self, heads: &BTreeMap<String, Position>) -> Check {
        self.model.check_converged(heads)
    }
}

/// The number that a payload is.
pub(super) fn said(payload: &tidewire_protocol::OwnedPayload) -> Option<Said> {
    match payload {
        tidewire_protocol::OwnedPayload::Text(text) => text.parse().ok(),
        tidewire_protocol::OwnedPayload::Binary(_) => None,
    }
}
