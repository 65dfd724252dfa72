//! The hook for who is in a room.

use core::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use super::use_room::UseRoomHandle;
use crate::{MemberId, Room, RoomEvent};

/// Who is in the room, in the order of their names. Nobody is known where the room's options do not ask for presence.
///
/// The component is rendered again when somebody comes or goes.
#[hook]
pub fn use_presence(room: &UseRoomHandle) -> Rc<[MemberId]> {
    let known = use_memo(room.feed().clone(), |_| RefCell::new(present(room.room())));
    let members = known.borrow().clone();
    let update = use_force_update();
    let room_of_feed = room.room().cloned();
    use_effect_with(room.feed().clone(), move |feed| {
        let listening = feed.listen(move |events| {
            if !events.iter().any(is_about_presence) {
                return;
            }
            let members = present(room_of_feed.as_ref());
            if known.replace(members.clone()) != members {
                update.force_update();
            }
        });
        move || drop(listening)
    });
    members
}

fn present(room: Option<&Room>) -> Rc<[MemberId]> {
    room.map_or_else(Vec::new, Room::presence).into()
}

const fn is_about_presence(event: &RoomEvent) -> bool {
    matches!(event, RoomEvent::Joined(_) | RoomEvent::Left(_) | RoomEvent::Present(_))
}
