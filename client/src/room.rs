//! One room: subscribe, publish, signal, presence.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::sync::Arc;

use futures_core::Stream;
use tidewire_protocol::{
    MemberId, OwnedPayload, RoomName,
    client::{PublishId, SubscriptionId},
};

use crate::{
    answers::Published,
    client::Client,
    driver::Shared,
    error::{PublishError, PublishErrorCause, SignalError, SubscribeError},
    event::RoomEvent,
    inbox::Inbox,
    options::{PublishOptions, SubscribeOptions},
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
    shared: Arc<Shared<Inbox>>,
    id: SubscriptionId,
}

/// What becomes of a publish. It is under way already; dropping this only forgets its outcome.
#[derive(Debug)]
#[must_use = "whether it was accepted is told by its outcome"]
pub struct Publishing {
    outcome: Outcome,
}

/// A publish of the page before this one, which it had not heard of.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Where it is published.
    pub room: RoomName,
    /// What was said.
    pub payload: OwnedPayload,
    /// What becomes of it.
    pub publishing: Publishing,
}

#[derive(Debug)]
enum Outcome {
    /// The session knows, or will.
    Expected(Arc<Shared<Inbox>>, PublishId),
    /// It was not even begun. Nothing once that was told.
    Failed(Option<PublishError>),
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
            let inbox = &mut session.sink;
            let subscriber = Subscriber::new(id, self.name.clone(), inbox.max_queued_bytes);
            inbox.subscribers.push(subscriber);
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
        let shared = self.client.shared();
        let published = shared.with(|session, now| {
            let published = session.machine.publish(now, self.name.clone(), payload, options.ttl);
            let id = published.map_err(|payload| {
                let cause = match session.is_closed() {
                    true => PublishErrorCause::Closed,
                    false => PublishErrorCause::Full,
                };
                PublishError { cause, payload }
            })?;
            session.sink.answers.expect(id);
            Ok(id)
        });
        match published {
            Ok(id) => Publishing::expected(shared.clone(), id),
            Err(error) => Publishing::failed(error),
        }
    }

    /// Signals to who is subscribed to the room now. Nobody keeps it, and it may be lost on its way.
    ///
    /// # Errors
    ///
    /// Gives the signal back where there is no connection, or too much waits to be sent.
    pub fn signal(&self, payload: impl Into<OwnedPayload>) -> Result<(), SignalError> {
        let payload = payload.into();
        let shared = self.client.shared();
        let signalled = shared.with(|session, now| session.signal(now, &self.name, &payload));
        signalled.map_err(|cause| SignalError { cause, payload })
    }

    /// Who is in the room, in the order of their names, as far as a subscription with presence knows; nobody where there is
    /// none.
    #[must_use]
    pub fn presence(&self) -> Vec<MemberId> {
        let session = self.client.shared().lock();
        let mut subscribers = session.sink.subscribers.iter();
        let subscriber = subscribers.find(|subscriber| subscriber.room == self.name);
        subscriber.map_or_else(Vec::new, |subscriber| subscriber.members().to_vec())
    }
}

impl Stream for RoomEvents {
    type Item = RoomEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        // Cloning and dropping a waker is the executor's code, which does not run while the session is locked.
        let waker = cx.waker().clone();
        self.pop(Some(waker))
    }
}

impl RoomEvents {
    /// The next event. Where there is none now, the waker is woken when there is.
    pub(crate) fn pop(&mut self, waker: Option<Waker>) -> Poll<Option<RoomEvent>> {
        let mut session = self.shared.lock();
        let Some(subscriber) = session.sink.subscriber(self.id) else {
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
        let previous = core::mem::replace(&mut subscriber.waker, waker);
        drop(session);
        drop(previous);
        Poll::Pending
    }

    fn resume(&self) {
        self.shared.with(|session, now| {
            if let Some(subscriber) = session.sink.subscriber(self.id) {
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
            let subscribers = &mut session.sink.subscribers;
            let index = subscribers.iter().position(|subscriber| subscriber.id == self.id);
            index.map(|index| subscribers.swap_remove(index))
        });
        // It may hold a waker.
        drop(subscriber);
    }
}

impl Publishing {
    pub(crate) const fn expected(shared: Arc<Shared<Inbox>>, id: PublishId) -> Self {
        Self {
            outcome: Outcome::Expected(shared, id),
        }
    }

    pub(crate) const fn failed(error: PublishError) -> Self {
        Self {
            outcome: Outcome::Failed(Some(error)),
        }
    }

    /// Its outcome, once. Where it is not there yet, the waker is woken when it is.
    pub(crate) fn take(&mut self, waker: Option<Waker>) -> Option<Published> {
        match &mut self.outcome {
            Outcome::Failed(error) => error.take().map(Err),
            Outcome::Expected(shared, id) => {
                let taken = shared.lock().sink.answers.take(*id, waker);
                taken.ok()
            }
        }
    }
}

impl Future for Publishing {
    type Output = Published;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Published> {
        // Cloning and dropping a waker is the executor's code, which does not run while the session is locked.
        let waker = cx.waker().clone();
        self.take(Some(waker)).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        if let Outcome::Expected(shared, id) = &self.outcome {
            let forgotten = shared.lock().sink.answers.forget(*id);
            drop(forgotten);
        }
    }
}
