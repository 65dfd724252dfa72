//! The hook that calls a function with each event of a room.

use std::rc::Rc;

use yew::prelude::*;

use super::use_room::UseRoomHandle;
use crate::RoomEvent;

/// Calls `callback` with each event of the room, in their order, each once.
///
/// It is always that of the last rendering which is called, so it sees what the component last saw. A new one does not
/// begin anything anew.
#[hook]
pub fn use_room_events(room: &UseRoomHandle, callback: impl Fn(&RoomEvent) + 'static) {
    let callback: Rc<dyn Fn(&RoomEvent)> = Rc::new(callback);
    let latest = use_mut_ref(|| callback.clone());
    latest.replace(callback);
    use_effect_with(room.feed().clone(), move |feed| {
        let listening = feed.listen(move |events| {
            let callback = latest.borrow().clone();
            events.iter().for_each(&*callback);
        });
        move || drop(listening)
    });
}
