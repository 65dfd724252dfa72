//! The hook that subscribes to a room.

use core::fmt;

use tidewire_protocol::RoomName;
use yew::prelude::*;

use super::{feed::Feed, provider::use_client};
use crate::{Room, SubscribeError, SubscribeOptions};

/// A room that is subscribed to. It is for the hooks that listen, in this component or in others: clone it into their
/// properties.
///
/// It equals itself for as long as the client, the room's name and the options are the same.
#[derive(Clone, PartialEq)]
pub struct UseRoomHandle {
    room: Option<Room>,
    feed: Feed,
    error: Option<SubscribeError>,
}

/// Subscribes to a room while the component is mounted: anew where the client, the name or the options change.
///
/// A client subscribes to a room once, so use this in one place, and hand what it gives to all who listen. Another use is
/// told [`SubscribeError::AlreadySubscribed`] by [`UseRoomHandle::error`]. What comes is told to the hooks that listen
/// by then; one that begins later hears what follows.
#[hook]
pub fn use_room(name: &RoomName, options: SubscribeOptions) -> UseRoomHandle {
    let room = use_client().map(|client| Room::new(client, name.clone()));
    let feed = use_memo((room.clone(), name.clone(), options), |_| Feed::default());
    let feed = (*feed).clone();
    let update = use_force_update();
    let wanted = room.clone();
    use_effect_with(feed.clone(), move |feed| {
        let subscribed = wanted.map(|room| feed.subscribe(&room, options));
        if let Some(Err(_)) = subscribed {
            update.force_update();
        }
        move || drop(subscribed)
    });
    let error = feed.error();
    UseRoomHandle { room, feed, error }
}

impl UseRoomHandle {
    /// The room itself, to publish or to signal; nothing while there is no client.
    #[must_use]
    pub const fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    /// Why it was not subscribed to.
    #[must_use]
    pub const fn error(&self) -> Option<SubscribeError> {
        self.error
    }

    pub(super) const fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl fmt::Debug for UseRoomHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut this = f.debug_struct("UseRoomHandle");
        this.field("room", &self.room).field("error", &self.error);
        this.finish_non_exhaustive()
    }
}
