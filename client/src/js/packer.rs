//! What a program in JavaScript is told, until it takes it: packed as it comes.

use std::sync::Arc;

use tidewire_protocol::{
    Position,
    client::{ClientState, Event, PublishError as Failure, PublishId, SubscriptionId},
};

use super::{
    batch::{Batch, high, low},
    host,
};
use crate::{driver::Shared, session::Session, sink::Sink};

pub(super) struct Packer {
    pub(super) client: u32,
    max_queued_bytes: usize,
    pub(super) subscriptions: Vec<Subscription>,
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
    pub(super) fn new(client: u32, max_queued_bytes: usize) -> Self {
        Self {
            client,
            max_queued_bytes,
            subscriptions: Vec::new(),
            news: News::default(),
        }
    }

    pub(super) fn subscription(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|it| it.id == id)
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
        if let Some(subscription) = self.subscription(id) {
            if let Event::SubscriptionRefused(..) = event {
                subscription.phase = Phase::Ended;
            }
            subscription.batch.push(event);
            self.news.events = true;
        }
    }

    fn settled(&self, id: PublishId, kind: u32, first: f64) {
        host::settled(self.client, id.0 as f64, kind, first, 0., 0.);
    }
}

impl Sink for Packer {
    type Effects = ();

    fn take(&mut self, event: Event, (): &mut ()) {
        match event {
            Event::State(state) => self.on_state(state),
            Event::Moved => self.news.state = true,
            Event::TokenNeeded => host::asks(self.client),
            Event::Opened { member, .. } => host::welcomed(self.client, member.as_str().as_bytes()),
            Event::Published(id, Position { epoch, offset }) => {
                host::settled(self.client, id.0 as f64, 0, high(epoch), low(epoch), offset.0 as f64);
            }
            // Its payload is what the program has kept.
            Event::PublishFailed(id, failure, _) => match failure {
                Failure::Refused(code) => self.settled(id, 1, code.0.into()),
                Failure::Expired => self.settled(id, 3, 0.),
                Failure::Closed => self.settled(id, 4, 0.),
                _ => self.settled(id, 2, 0.),
            },
            Event::RoundTrip(time) => self.settled(PublishId(0), 0, time.as_secs_f64() * 1000.),
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

    fn tell(shared: &Arc<Shared<Self>>, (): ()) {
        let (client, state, events) = {
            let session = &mut *shared.lock();
            let News { state, events } = core::mem::take(&mut session.sink.news);
            let state = if state { state_number(session) } else { -1. };
            (session.sink.client, state, events)
        };
        if events || state >= 0. {
            host::turned(client, state, events);
        }
    }
}

/// See [`host::turned`].
fn state_number(session: &Session<Packer>) -> f64 {
    let transport = session.machine.transport().map_or(0, |kind| kind as u32);
    let (state, detail) = match session.machine.state() {
        ClientState::Open => (1, transport),
        ClientState::Waiting(wait) => (2, wait.as_millis() as u32),
        ClientState::Offline => (3, 0),
        ClientState::Unauthorized(why) => (4, why as u32),
        ClientState::Closed(code) => (5, code.0.into()),
        _ => (0, 0),
    };
    f64::from(detail) * 8. + f64::from(state)
}
