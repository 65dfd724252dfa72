//! The hook that publishes.

use core::cell::RefCell;
use std::rc::Rc;

use tidewire_protocol::{OwnedPayload, Position, RoomName};
use yew::{platform::spawn_local, prelude::*};

use super::provider::use_client;
use crate::{PublishError, PublishErrorCause, PublishOptions, Publishing, Room};

/// Publishes to a room.
///
/// It is the same for as long as the component is mounted, and publishes by the client that there is when it is used.
#[derive(Clone, Debug)]
pub struct UsePublishHandle {
    room: Rc<RefCell<Option<Room>>>,
}

/// Publishes to a room, whether or not it is subscribed to.
#[hook]
pub fn use_publish(name: &RoomName) -> UsePublishHandle {
    let room = use_client().map(|client| Room::new(client, name.clone()));
    let current = use_mut_ref(|| None);
    current.replace(room);
    UsePublishHandle { room: current }
}

impl UsePublishHandle {
    /// Publishes a message, as [`Room::publish`]. Where there is no client, it fails as with one that has ended.
    pub fn publish(&self, payload: impl Into<OwnedPayload>) -> Publishing {
        self.publish_with(payload, PublishOptions::default())
    }

    /// Publishes a message with options.
    pub fn publish_with(&self, payload: impl Into<OwnedPayload>, options: PublishOptions) -> Publishing {
        let payload = payload.into();
        match &*self.room.borrow() {
            Some(room) => room.publish_with(payload, options),
            None => Publishing::failed(PublishError {
                cause: PublishErrorCause::Closed,
                payload,
            }),
        }
    }

    /// Publishes a message, and calls `report` with what has become of it, also when the component is no longer mounted.
    pub fn publish_then(
        &self,
        payload: impl Into<OwnedPayload>,
        report: impl FnOnce(Result<Position, PublishError>) + 'static,
    ) {
        let publishing = self.publish(payload);
        spawn_local(async move { report(publishing.await) });
    }
}

/// Whether both are of the same component's hook.
impl PartialEq for UsePublishHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.room, &other.room)
    }
}
