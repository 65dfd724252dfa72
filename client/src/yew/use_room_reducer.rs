//! The hook whose state follows from the events of a room.

use core::{cell::RefCell, fmt, ops::Deref};
use std::rc::Rc;

use yew::prelude::*;

use super::use_room::UseRoomHandle;
use crate::RoomEvent;

/// The state that [`use_room_reducer`] keeps, as it was when the component was rendered.
///
/// Unlike that of Yew's own `use_reducer`, the handle does not follow the state: one that is held for long holds one state,
/// not each that there was.
pub struct UseRoomReducerHandle<S: Reducible> {
    state: Rc<S>,
    current: Rc<RefCell<Rc<S>>>,
    update: UseForceUpdateHandle,
}

/// A state that is changed by each event of the room, in their order. What has come at once is rendered once.
///
/// It begins with `init`, and anew where the room does: for another client, another name or other options. What it keeps
/// of the events is up to it, and so is a bound on that.
///
/// ```
/// use std::rc::Rc;
/// use tidewire_client::{RoomEvent, yew::{UseRoomHandle, use_room_reducer}};
/// use yew::prelude::*;
///
/// /// How many messages and gaps there were.
/// #[derive(Clone, Default)]
/// struct Count {
///     messages: u64,
///     gaps: u64,
/// }
///
/// impl Reducible for Count {
///     type Action = RoomEvent;
///
///     fn reduce(self: Rc<Self>, event: RoomEvent) -> Rc<Self> {
///         // A state that is shown already is copied, once for what has come at once.
///         let mut count = Rc::unwrap_or_clone(self);
///         match event {
///             RoomEvent::Message { .. } => count.messages += 1,
///             RoomEvent::Gap(_) => count.gaps += 1,
///             _ => {}
///         }
///         Rc::new(count)
///     }
/// }
///
/// #[hook]
/// fn use_count(room: &UseRoomHandle) -> u64 {
///     use_room_reducer(room, Count::default).messages
/// }
/// ```
#[hook]
pub fn use_room_reducer<S>(room: &UseRoomHandle, init: impl FnOnce() -> S) -> UseRoomReducerHandle<S>
where
    S: Reducible<Action: From<RoomEvent>> + 'static,
{
    let current = use_memo(room.feed().clone(), |_| RefCell::new(Rc::new(init())));
    let state = current.borrow().clone();
    let update = use_force_update();
    let handle = UseRoomReducerHandle { state, current, update };
    {
        let (current, update) = (handle.current.clone(), handle.update.clone());
        use_effect_with(room.feed().clone(), move |feed| {
            let listening = feed.listen(move |events| {
                reduce(&current, &update, events.iter().cloned().map(Into::into));
            });
            move || drop(listening)
        });
    }
    handle
}

fn reduce<S: Reducible>(
    current: &RefCell<Rc<S>>,
    update: &UseForceUpdateHandle,
    actions: impl Iterator<Item = S::Action>,
) {
    let before = current.borrow().clone();
    // Nothing is borrowed meanwhile, and only the first of them finds a state that is shared.
    let after = actions.fold(before.clone(), S::reduce);
    if !Rc::ptr_eq(&before, &after) {
        current.replace(after);
        update.force_update();
    }
}

impl<S: Reducible> UseRoomReducerHandle<S> {
    /// Changes the state by an action that is not from the room.
    pub fn dispatch(&self, action: S::Action) {
        reduce(&self.current, &self.update, core::iter::once(action));
    }
}

impl<S: Reducible> Deref for UseRoomReducerHandle<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S: Reducible> Clone for UseRoomReducerHandle<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            current: self.current.clone(),
            update: self.update.clone(),
        }
    }
}

/// Whether both are of the same state at the same time.
impl<S: Reducible> PartialEq for UseRoomReducerHandle<S> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.state, &other.state) && Rc::ptr_eq(&self.current, &other.current)
    }
}

impl<S: Reducible + fmt::Debug> fmt::Debug for UseRoomReducerHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UseRoomReducerHandle").field(&self.state).finish()
    }
}
