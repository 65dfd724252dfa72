//! What a program in Rust is told, until it takes it.

use core::task::Waker;
use std::sync::Arc;

use tidewire_protocol::{
    Instant, OwnedPayload,
    client::{ClientState, Event, PublishError as Failure, SubscriptionId, TransportKind},
};
#[cfg(target_arch = "wasm32")]
use tidewire_protocol::{RoomName, client::PublishId};

#[cfg(target_arch = "wasm32")]
use crate::store::Unsaved;
use crate::{
    answers::Answers,
    driver::Shared,
    error::{PublishError, PublishErrorCause},
    options::ClientOptions,
    session::Session,
    sink::Sink,
    subscriber::{Phase, Subscriber},
    token::{Asking, TokenSource},
    watch::Watched,
};

pub(crate) struct Inbox {
    pub(crate) max_queued_bytes: usize,
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) answers: Answers,
    pub(crate) watched: Watched,
    pub(crate) token: TokenSource,
    /// The last asking for a token, which may be under way.
    pub(crate) asking: Option<Asking>,
    /// Whether the program has cut the link, and not joined it again.
    pub(crate) is_cut: bool,
    /// Which kinds of transport the program has blocked.
    pub(crate) blocked: Vec<TransportKind>,
    /// What the page before had published, until somebody asks.
    #[cfg(target_arch = "wasm32")]
    pub(crate) restored: Vec<(PublishId, RoomName, OwnedPayload)>,
    /// Why the session is not kept for the page that follows.
    #[cfg(target_arch = "wasm32")]
    pub(crate) unsaved: Option<Unsaved>,
}

/// What is due to the program after a turn.
#[derive(Default)]
pub(crate) struct Effects {
    wakers: Vec<Waker>,
    asks_for_token: bool,
    /// What nobody waits for any more.
    over: Option<Asking>,
}

impl Inbox {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        Self {
            max_queued_bytes: options.max_queued_bytes,
            token: options.token.clone(),
            asking: None,
            subscribers: Vec::new(),
            answers: Answers::default(),
            watched: Watched::default(),
            is_cut: false,
            blocked: Vec::new(),
            #[cfg(target_arch = "wasm32")]
            restored: Vec::new(),
            #[cfg(target_arch = "wasm32")]
            unsaved: None,
        }
    }

    pub(crate) fn subscriber(&mut self, id: SubscriptionId) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.id == id)
    }

    fn on_state(&mut self, state: ClientState, effects: &mut Effects) {
        let wakers = &mut effects.wakers;
        self.watched.change(wakers);
        if let ClientState::Closed(_) = state {
            effects.over = self.asking.take();
            for subscriber in &mut self.subscribers {
                subscriber.phase = Phase::Ended;
                wakers.extend(subscriber.waker.take());
            }
        }
    }
}

impl Sink for Inbox {
    type Effects = Effects;

    fn is_blocked(&self, kind: TransportKind) -> bool {
        self.blocked.contains(&kind)
    }

    fn take(&mut self, event: Event, effects: &mut Effects) {
        let wakers = &mut effects.wakers;
        match event {
            Event::State(state) => self.on_state(state, effects),
            Event::TokenNeeded => effects.asks_for_token = true,
            Event::Moved => self.watched.change(wakers),
            Event::Published(id, position) => self.answers.fill(id, Ok(position), wakers),
            Event::PublishFailed(id, failure, payload) => {
                self.answers.fill(id, Err(publish_error(failure, payload)), wakers);
            }
            Event::RoundTrip(time) => self.watched.measure(time, wakers),
            event => {
                if let Some(subscriber) = event.subscription().and_then(|id| self.subscriber(id)) {
                    subscriber.take(event);
                    wakers.extend(subscriber.waker.take());
                }
            }
        }
    }

    fn next_full(&mut self) -> Option<SubscriptionId> {
        let mut subscribers = self.subscribers.iter_mut();
        let full = subscribers.find(|subscriber| subscriber.phase == Phase::Flowing && subscriber.is_full())?;
        full.phase = Phase::Paused;
        Some(full.id)
    }

    fn tell(shared: &Arc<Shared<Self>>, effects: Effects) {
        drop(effects.over);
        effects.wakers.into_iter().for_each(Waker::wake);
        if effects.asks_for_token {
            shared.ask_for_token();
        }
    }
}

impl Session<Inbox> {
    /// Asks for a round trip, unless one is under way. Returns how many were measured before; nothing without a connection.
    pub(crate) fn ask_round_trip(&mut self, now: Instant) -> Option<u64> {
        let watched = &mut self.sink.watched;
        watched.is_measuring = watched.is_measuring || self.machine.ping(now);
        watched.is_measuring.then_some(watched.measured().0)
    }
}

fn publish_error(failure: Failure, payload: OwnedPayload) -> PublishError {
    let cause = match failure {
        Failure::Refused(code) => PublishErrorCause::Refused(code),
        Failure::Expired => PublishErrorCause::Expired,
        Failure::Closed => PublishErrorCause::Closed,
        // The rest of what may be: nothing is known of it.
        _ => PublishErrorCause::Unconfirmed,
    };
    PublishError { cause, payload }
}
