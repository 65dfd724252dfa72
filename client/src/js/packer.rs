//! What a program in JavaScript is told, until it takes it: packed as it comes.

use std::rc::Rc;

use tidewire_protocol::{
    OwnedPayload, Position, RoomName,
    client::{ClientState, Event, PublishError as Failure, PublishId, SubscriptionId},
};

use super::{
    batch::{Batch, high, low},
    session::Host,
};
use crate::{driver::Shared, sink::Sink, store::Unsaved};

pub(super) struct Packer {
    pub(super) host: Rc<Host>,
    max_queued_bytes: usize,
    pub(super) subscriptions: Vec<Subscription>,
    /// See [`Host::turned`].
    outcomes: Vec<f64>,
    news: News,
}

pub(super) struct Subscription {
    pub(super) id: SubscriptionId,
    pub(super) batch: Batch,
    pub(super) phase: Phase,
    /// How far the program had come when it was asked.
    pub(super) taken: Option<Position>,
}

/// As for programs in Rust.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Flowing,
    Paused,
    Ended,
}

/// What has come since the program was told.
#[derive(Clone, Copy, Default)]
struct News {
    state: bool,
    events: bool,
}

impl Subscription {
    pub(super) fn new(id: SubscriptionId) -> Self {
        Self {
            id,
            batch: Batch::default(),
            phase: Phase::Flowing,
            taken: None,
        }
    }
}

impl Packer {
    pub(super) fn new(host: Host, max_queued_bytes: usize) -> Self {
        Self {
            host: Rc::new(host),
            max_queued_bytes,
            subscriptions: Vec::new(),
            outcomes: Vec::new(),
            news: News::default(),
        }
    }

    fn on_state(&mut self, state: ClientState) {
        self.news.state = true;
        if let ClientState::Closed(_) = state {
            self.news.events = true;
            for subscription in &mut self.subscriptions {
                subscription.phase = Phase::Ended;
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        let Some(id) = event.subscription() else { return };
        if let Some(subscription) = self.subscriptions.iter_mut().find(|it| it.id == id) {
            self.news.events = true;
            if let Event::SubscriptionRefused(..) = event {
                subscription.phase = Phase::Ended;
            }
            subscription.batch.push(event);
        }
    }

    fn on_outcome(&mut self, id: PublishId, kind: u32, rest: [f64; 3]) {
        self.outcomes.extend([id.0 as f64, kind.into()]);
        self.outcomes.extend(rest);
    }
}

impl Sink for Packer {
    type Effects = ();

    fn take(&mut self, event: Event, (): &mut ()) {
        match event {
            Event::State(state) => self.on_state(state),
            Event::Moved => self.news.state = true,
            Event::Published(id, Position { epoch, offset }) => {
                self.on_outcome(id, 0, [high(epoch), low(epoch), offset.0 as f64]);
            }
            // Its payload is what the program has kept.
            Event::PublishFailed(id, failure, _) => match failure {
                Failure::Refused(code) => self.on_outcome(id, 1, [code.0.into(), 0., 0.]),
                Failure::Expired => self.on_outcome(id, 3, [0.; 3]),
                Failure::Closed => self.on_outcome(id, 4, [0.; 3]),
                _ => self.on_outcome(id, 2, [0.; 3]),
            },
            Event::RoundTrip(time) => self.on_outcome(PublishId(0), 0, [time.as_secs_f64() * 1000., 0., 0.]),
            event => self.on_event(event),
        }
    }

    fn next_full(&mut self) -> Option<SubscriptionId> {
        let max = self.max_queued_bytes;
        let mut subscriptions = self.subscriptions.iter_mut();
        let full = subscriptions.find(|it| it.phase == Phase::Flowing && it.batch.bytes() > max)?;
        full.phase = Phase::Paused;
        Some(full.id)
    }

    fn restored(&mut self, id: PublishId, room: &RoomName, payload: &OwnedPayload) {
        if self.subscriptions.is_empty() {
            self.subscriptions.push(Subscription::new(RESTORED));
        }
        for subscription in &mut self.subscriptions {
            subscription.batch.put_restored(id, room, payload);
        }
    }

    fn before_save(shared: &Shared<Self>) {
        let host = shared.lock().sink.host.clone();
        host.saving();
    }

    fn taken(&self, id: SubscriptionId) -> Option<Position> {
        self.subscriptions.iter().find(|it| it.id == id)?.taken
    }

    fn unsaved(&mut self, why: Unsaved) {
        self.on_outcome(PublishId(0), 1, [f64::from(why as u32), 0., 0.]);
    }

    fn tell(shared: &Shared<Self>, (): ()) {
        let (host, News { state, events }, outcomes) = {
            let packer = &mut shared.lock().sink;
            let news = core::mem::take(&mut packer.news);
            (packer.host.clone(), news, core::mem::take(&mut packer.outcomes))
        };
        if state || events || !outcomes.is_empty() {
            host.turned(state, events, &outcomes);
        }
    }
}

/// What the page before had published comes as one of the program's subscriptions, which all have other numbers.
const RESTORED: SubscriptionId = SubscriptionId(0);
