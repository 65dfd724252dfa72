//! How a program is told: what the driver leaves open.

use tidewire_protocol::client::{Event, SubscriptionId};
#[cfg(target_arch = "wasm32")]
use tidewire_protocol::{OwnedPayload, Position, RoomName, client::PublishId};

#[cfg(target_arch = "wasm32")]
use crate::store::Unsaved;
use crate::{driver::Shared, lock::MaybeSend};

/// Keeps what a session tells until the program takes it.
pub(crate) trait Sink: MaybeSend + Sized + 'static {
    /// What is due to the program after a turn.
    type Effects: Default;

    /// Takes an event. The program's code is not to be called.
    fn take(&mut self, event: Event, effects: &mut Self::Effects);

    /// A subscription that holds more than it may, once: it is paused then.
    fn next_full(&mut self) -> Option<SubscriptionId>;

    /// A publish of the page before, whose outcome will be told.
    #[cfg(target_arch = "wasm32")]
    fn restored(&mut self, id: PublishId, room: &RoomName, payload: &OwnedPayload);

    /// It is to know what was taken. Nothing is locked.
    #[cfg(target_arch = "wasm32")]
    fn before_save(_: &Shared<Self>) {}

    /// How far the program has come in a subscription, if it has taken anything.
    #[cfg(target_arch = "wasm32")]
    fn taken(&self, id: SubscriptionId) -> Option<Position>;

    /// The session is not kept for the page that follows.
    #[cfg(target_arch = "wasm32")]
    fn unsaved(&mut self, _: Unsaved) {}

    /// Calls the program's code. Nothing is locked.
    fn tell(shared: &Shared<Self>, effects: Self::Effects);
}
