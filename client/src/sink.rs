//! How a program is told: what the driver leaves open.

use std::sync::Arc;

use tidewire_protocol::client::{Event, SubscriptionId, TransportKind};

use crate::{driver::Shared, lock::MaybeSend};

/// Keeps what a session tells until the program takes it.
pub(crate) trait Sink: MaybeSend + Sized + 'static {
    /// What is due to the program after a turn.
    type Effects: Default;

    /// Takes an event. The program's code is not to be called.
    fn take(&mut self, event: Event, effects: &mut Self::Effects);

    /// A subscription that holds more than it may, once: it is paused then.
    fn next_full(&mut self) -> Option<SubscriptionId>;

    /// Whether the program has blocked a kind of transport.
    fn is_blocked(&self, _: TransportKind) -> bool {
        false
    }

    /// Calls the program's code. Nothing is locked.
    fn tell(shared: &Arc<Shared<Self>>, effects: Self::Effects);
}
