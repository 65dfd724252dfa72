//! Rooms as the program that runs the server uses them.

use std::{fmt, sync::Arc};

use tidewire_protocol::{
    MemberId, NameError, OwnedPayload, Position, RoomName, Term,
    frame::{Payload, RefusalCode, Start},
};

use crate::{
    engine::Origin,
    hub::{self, Hub},
    subscription::Subscription,
    tidewire::Tidewire,
};

/// One room of a server. Cloning it is cheap, and it does not keep the room.
///
/// What it publishes comes from nobody: to clients, its sender is the server itself.
#[derive(Clone, Debug)]
pub struct RoomHandle {
    hub: Arc<Hub>,
    name: RoomName,
}

/// A message was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishError {
    /// Why.
    pub cause: NotPublished,
    /// The message.
    pub payload: OwnedPayload,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotPublished {
    /// It will not be: this is what a client would be told.
    Refused(RefusalCode),
    /// Or perhaps it was: the engine did not say within [`Settings::engine_timeout`](crate::Settings::engine_timeout).
    Unknown,
}

impl Tidewire {
    /// A room, whether anybody has used it or not.
    ///
    /// # Errors
    ///
    /// When the name breaks a rule: it has 1 to 128 bytes, and no control characters.
    pub fn room(&self, name: &str) -> Result<RoomHandle, NameError> {
        Ok(RoomHandle {
            hub: Arc::clone(self.hub()),
            name: RoomName::new(name)?,
        })
    }

    /// How many rooms there are.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.hub().rooms.len()
    }

    /// How many sessions there are, with those that wait for their client's return, and what is still kept of those that another
    /// server has by now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.hub().sessions.len()
    }
}

impl RoomHandle {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Publishes a message to all subscribers, and resolves with its place. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the engine does not accept it, or the message is larger than
    /// [`Settings::max_payload_bytes`](crate::Settings::max_payload_bytes). The message is returned.
    pub async fn publish(&self, payload: impl Into<OwnedPayload>) -> Result<Position, PublishError> {
        self.publish_as(Origin::None, payload.into()).await
    }

    /// The same, but of several publishes with one key only the first does something; the others resolve with its place.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub async fn publish_once(&self, key: &str, payload: impl Into<OwnedPayload>) -> Result<Position, PublishError> {
        self.publish_as(Origin::Key(key.to_owned()), payload.into()).await
    }

    async fn publish_as(&self, origin: Origin, payload: OwnedPayload) -> Result<Position, PublishError> {
        self.hub.start_sweeping();
        let message = hub::Message {
            room: &self.name,
            origin,
            sender: None,
            payload: &payload,
            term: Term::default(),
            address: None,
        };
        let published = match payload.as_payload().len() > self.hub.settings.max_payload_bytes as usize {
            true => Err(NotPublished::Refused(RefusalCode::PAYLOAD_TOO_BIG)),
            false => self.hub.publish(message).await.map_err(NotPublished::from),
        };
        published.map_err(|cause| PublishError { cause, payload })
    }

    /// Sends a signal to who is there now. It is not logged, and who is slow does not get it.
    pub fn signal(&self, payload: Payload<'_>) {
        if let Some(room) = self.hub.rooms.find(&self.name) {
            room.signal(None, "", payload);
        }
    }

    /// What happens in the room, from `start` on. Needs a tokio runtime. It counts as a subscriber but is not present.
    ///
    /// # Errors
    ///
    /// What a client would be told, when the room cannot be opened.
    pub async fn subscribe(&self, start: Start) -> Result<Subscription, RefusalCode> {
        self.hub.start_sweeping();
        let room = self.hub.rooms.open(&self.name, None).wait().await?;
        Ok(Subscription::new(room, start))
    }

    /// Who is there: whose sessions are subscribed, or were and may be back.
    #[must_use]
    pub fn presence(&self) -> Vec<MemberId> {
        let room = self.hub.rooms.find(&self.name);
        room.map(|room| room.members()).unwrap_or_default()
    }

    /// How many subscriptions are connected now.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.hub.rooms.find(&self.name).map_or(0, |room| room.readers())
    }

    /// Where its log ends, as this server knows it. `None` when nobody has used the room, or not for long.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        self.hub.rooms.find(&self.name).map(|room| room.head())
    }
}

impl From<hub::Failure> for NotPublished {
    fn from(failure: hub::Failure) -> Self {
        match failure {
            hub::Failure::Refused(code) => Self::Refused(code),
            hub::Failure::Unknown | hub::Failure::Superseded => Self::Unknown,
        }
    }
}

impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "the publish was refused with code {}", code.0),
            Self::Unknown => f.write_str("the engine did not say whether it has accepted the publish"),
        }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for PublishError {}
