//! One room: subscribe, publish, signal, presence.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use std::sync::Arc;

use futures_channel::oneshot;
use futures_core::Stream;
use tidewire_protocol::{
    MemberId, OwnedPayload, RoomName,
    client::{ClientState, SubscriptionId},
};

use crate::{
    client::Client,
    driver::Shared,
    error::{PublishError, PublishErrorCause, SignalError, SignalErrorCause, SubscribeError},
    event::RoomEvent,
    options::{PublishOptions, SubscribeOptions},
    session::Published,
    subscriber::{Phase, Subscriber},
};

/// A room, and the handle on the session that talks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    client: Client,
    name: RoomName,
}

/// The events of a subscription, in order; see [`RoomEvent`].
///
/// Ends after [`RoomEvent::Ended`], and when the session is closed, after what had come by then. Dropping it ends the
/// subscription. It does not keep the session open.
#[derive(Debug)]
#[must_use = "dropping the events ends the subscription"]
pub struct RoomEvents {
    shared: Arc<Shared>,
    id: SubscriptionId,
}

/// What becomes of a publish. It is under way already; dropping this only forgets its outcome.
#[derive(Debug)]
#[must_use = "whether it was accepted is told by its outcome"]
pub struct Publishing {
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Refused(Option<PublishError>),
    Waiting(oneshot::Receiver<Published>),
}

impl Room {
    pub(crate) const fn new(client: Client, name: RoomName) -> Self {
        Self { client, name }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &RoomName {
        &self.name
    }

    /// The session it belongs to.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for the room's messages, now and after each reconnect.
    ///
    /// # Errors
    ///
    /// Where this client is subscribed to the room already, or has ended.
    pub fn subscribe(&self, options: SubscribeOptions) -> Result<RoomEvents, SubscribeError> {
        let shared = self.client.shared();
        let id = shared.with(|session, now| {
            if session.is_closed() {
                return Err(SubscribeError::Closed);
            }
            let SubscribeOptions { start, presence } = options;
            let id = session
                .machine
                .subscribe(now, self.name.clone(), start, presence)
                .ok_or(SubscribeError::AlreadySubscribed)?;
            let max_bytes = session.options.max_queued_bytes;
            session
                .subscribers
                .push(Subscriber::new(id, self.name.clone(), max_bytes));
            Ok(id)
        })?;
        Ok(RoomEvents {
            shared: shared.clone(),
            id,
        })
    }

    /// Publishes a message, after all that this client has published before. Its outcome is its place in the room's log.
    ///
    /// It is under way when this returns, whether or not the outcome is waited for.
    pub fn publish(&self, payload: impl Into<OwnedPayload>) -> Publishing {
        self.publish_with(payload, PublishOptions::default())
    }

    /// Publishes a message with options.
    pub fn publish_with(&self, payload: impl Into<OwnedPayload>, options: PublishOptions) -> Publishing {
        let payload = payload.into();
        let outcome = self.client.shared().with(|session, now| {
            match session.machine.publish(now, self.name.clone(), payload, options.ttl) {
                Ok(id) => {
                    let (sender, outcome) = oneshot::channel();
                    session.publishes.push_back((id, sender));
                    Outcome::Waiting(outcome)
                }
                Err(payload) => {
                    let cause = match session.is_closed() {
                        true => PublishErrorCause::Closed,
                        false => PublishErrorCause::Full,
                    };
                    Outcome::Refused(Some(PublishError { cause, payload }))
                }
            }
        });
        Publishing { outcome }
    }

    /// Signals to who is subscribed to the room now. Nobody keeps it, and it may be lost on its way.
    ///
    /// # Errors
    ///
    /// Gives the signal back where there is no connection, or too much waits to be sent.
    pub fn signal(&self, payload: impl Into<OwnedPayload>) -> Result<(), SignalError> {
        let payload = payload.into();
        let cause = self.client.shared().with(|session, now| {
            if session.machine.state() != ClientState::Open {
                return Some(SignalErrorCause::NotConnected);
            }
            let unsent = session
                .transport
                .as_ref()
                .map_or(0, |transport| transport.unsent_bytes());
            if unsent.saturating_add(session.signalled) > session.options.max_unsent_bytes {
                return Some(SignalErrorCause::Full);
            }
            session.signalled += payload.as_payload().len() + self.name.as_str().len() + FRAME_BYTES;
            session.machine.signal(now, &self.name, &payload);
            None
        });
        cause.map_or(Ok(()), |cause| Err(SignalError { cause, payload }))
    }

    /// Who is in the room, in the order of their names, as far as a subscription with presence knows; nobody where there is
    /// none.
    #[must_use]
    pub fn presence(&self) -> Vec<MemberId> {
        let session = self.client.shared().lock();
        let mut subscribers = session.subscribers.iter();
        let subscriber = subscribers.find(|subscriber| subscriber.room == self.name);
        subscriber.map_or_else(Vec::new, |subscriber| subscriber.members().to_vec())
    }
}

impl Stream for RoomEvents {
    type Item = RoomEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        // Cloning and dropping a waker is the executor's code, which does not run while the session is locked.
        let waker = cx.waker().clone();
        let mut session = self.shared.lock();
        let Some(subscriber) = session.subscriber(self.id) else {
            return Poll::Ready(None);
        };
        if let Some(event) = subscriber.pop() {
            let resumes = subscriber.phase == Phase::Paused && subscriber.has_room();
            drop(session);
            if resumes {
                self.resume();
            }
            return Poll::Ready(Some(event));
        }
        if subscriber.phase == Phase::Ended {
            return Poll::Ready(None);
        }
        let previous = subscriber.waker.replace(waker);
        drop(session);
        drop(previous);
        Poll::Pending
    }
}

impl RoomEvents {
    fn resume(&self) {
        self.shared.with(|session, now| {
            if let Some(subscriber) = session.subscriber(self.id) {
                subscriber.phase = Phase::Flowing;
                session.machine.resume(now, self.id);
            }
        });
    }
}

impl Drop for RoomEvents {
    fn drop(&mut self) {
        let subscriber = self.shared.with(|session, now| {
            session.machine.unsubscribe(now, self.id);
            let index = session
                .subscribers
                .iter()
                .position(|subscriber| subscriber.id == self.id);
            index.map(|index| session.subscribers.swap_remove(index))
        });
        // It may hold a waker.
        drop(subscriber);
    }
}

impl Future for Publishing {
    type Output = Published;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Published> {
        match &mut self.outcome {
            // Told once, as futures do.
            Outcome::Refused(error) => error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
            Outcome::Waiting(outcome) => Pin::new(outcome).poll(cx).map(|outcome| {
                outcome.unwrap_or_else(|_| {
                    // The client was dropped on a thread that panicked; nobody knows.
                    Err(PublishError {
                        cause: PublishErrorCause::Unconfirmed,
                        payload: OwnedPayload::Binary(Box::default()),
                    })
                })
            }),
        }
    }
}

/// What a signal's frame takes beside its room and payload, at most.
const FRAME_BYTES: usize = 16;
