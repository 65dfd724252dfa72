//! What the handles, the driver and the transport of one client share, under one lock.
//!
//! No code of the program's runs while it is locked: what is due to the program is put into [`Effects`], which run after.

use core::{task::Waker, time::Duration};
use std::collections::VecDeque;

use futures_channel::oneshot;
use tidewire_protocol::{
    OwnedPayload, Position,
    client::{Attempt, Client as Machine, ClientState, Event, PublishError as Failure, PublishId, SubscriptionId},
};

use crate::{
    error::{ConnectError, PublishError, PublishErrorCause},
    options::ClientOptions,
    subscriber::{Phase, Subscriber},
    transport::{Farewell, Transport},
    watch::Watchers,
};

/// What became of a publish.
pub(crate) type Published = Result<Position, PublishError>;

pub(crate) struct Session {
    pub(crate) machine: Machine,
    pub(crate) options: ClientOptions,
    pub(crate) transport: Option<Transport>,
    /// The attempt that the transport is of, or the last one was.
    pub(crate) attempt: Attempt,
    /// Of the transport of a client that has ended.
    pub(crate) farewell: Option<Farewell>,
    /// Why the last transport could not even be tried.
    pub(crate) refusal: Option<ConnectError>,
    pub(crate) subscribers: Vec<Subscriber>,
    /// In the order of their ids.
    pub(crate) publishes: VecDeque<(PublishId, oneshot::Sender<Published>)>,
    pub(crate) round_trips: Vec<oneshot::Sender<Duration>>,
    pub(crate) states: Watchers,
    /// Signals that were handed to the machine since the last turn, in bytes.
    pub(crate) signalled: usize,
    /// Whether a turn is due because of what a handle has asked for.
    pub(crate) is_scheduled: bool,
}

/// What is done once the session is unlocked.
#[derive(Default)]
pub(crate) struct Effects {
    wakers: Vec<Waker>,
    publishes: Vec<(oneshot::Sender<Published>, Published)>,
    round_trips: Vec<(oneshot::Sender<Duration>, Duration)>,
    /// Nothing came of these.
    dropped: Vec<oneshot::Sender<Duration>>,
}

impl Session {
    pub(crate) fn new(machine: Machine, options: ClientOptions) -> Self {
        Self {
            machine,
            options,
            transport: None,
            attempt: Attempt(0),
            farewell: None,
            refusal: None,
            subscribers: Vec::new(),
            publishes: VecDeque::new(),
            round_trips: Vec::new(),
            states: Watchers::default(),
            signalled: 0,
            is_scheduled: false,
        }
    }

    pub(crate) fn subscriber(&mut self, id: SubscriptionId) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.id == id)
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.machine.state(), ClientState::Closed(_))
    }

    /// Hands an event to whom it is for.
    pub(crate) fn deliver(&mut self, event: Event, effects: &mut Effects) {
        match event {
            Event::State(state) => self.on_state(state, effects),
            Event::Published(id, position) => self.on_published(id, Ok(position), effects),
            Event::PublishFailed(id, failure, payload) => {
                self.on_published(id, Err(publish_error(failure, payload)), effects);
            }
            Event::RoundTrip(time) => {
                let waiting = self.round_trips.drain(..);
                effects.round_trips.extend(waiting.map(|sender| (sender, time)));
            }
            event => {
                if let Some(subscriber) = event.subscription().and_then(|id| self.subscriber(id)) {
                    subscriber.take(event);
                    effects.wakers.extend(subscriber.waker.take());
                }
            }
        }
    }

    fn on_state(&mut self, state: ClientState, effects: &mut Effects) {
        self.states.change(&mut effects.wakers);
        if state != ClientState::Open {
            effects.dropped.append(&mut self.round_trips);
        }
        if let ClientState::Closed(_) = state {
            for subscriber in &mut self.subscribers {
                subscriber.phase = Phase::Ended;
                effects.wakers.extend(subscriber.waker.take());
            }
        }
    }

    fn on_published(&mut self, id: PublishId, published: Published, effects: &mut Effects) {
        let index = self.publishes.iter().position(|(waiting, _)| *waiting == id);
        if let Some((_, sender)) = index.and_then(|index| self.publishes.remove(index)) {
            effects.publishes.push((sender, published));
        }
    }
}

impl Effects {
    /// Calls the program's code: to be done while nothing is locked.
    pub(crate) fn run(self) {
        for (sender, published) in self.publishes {
            // Nobody waits for it any more.
            let _ = sender.send(published);
        }
        for (sender, time) in self.round_trips {
            let _ = sender.send(time);
        }
        drop(self.dropped);
        self.wakers.into_iter().for_each(Waker::wake);
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
