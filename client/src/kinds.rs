//! Which kinds of transport a program lets a client have, while its session goes on.

use std::sync::Arc;

use tidewire_protocol::client::{Attempt, Input, TransportKind};

use crate::{
    driver::Shared,
    inbox::{Effects, Inbox},
    session::Session,
    sink::Sink,
};

impl Shared<Inbox> {
    /// Has a kind of transport fail as if the network did not let it through, or no longer. What is open of it is dropped, and
    /// the machine is told no more than that. May be called from anywhere but under the lock.
    pub(crate) fn block(self: &Arc<Self>, kind: TransportKind, is_blocked: bool) {
        let mut session = self.lock();
        let was_blocked = session.sink.is_blocked(kind);
        let lost = session.set_blocked(kind, is_blocked);
        let is_cut = session.sink.is_cut;
        drop(session);
        if let Some(attempt) = lost {
            self.turn(Input::Lost(attempt, None));
        } else if was_blocked && !is_blocked && !is_cut {
            // As when a page comes to another network.
            self.turn(Input::Online);
        }
    }

    /// Has these kinds of transport from now on. May be called from anywhere but under the lock.
    pub(crate) fn set_transports(self: &Arc<Self>, kinds: &[TransportKind]) {
        let mut effects = Effects::default();
        let mut session = self.lock();
        // What it has wanted so far is of the kinds that it has so far.
        self.drain(&mut session, &mut effects);
        session.machine.set_transports(self.clock.now(), kinds.to_vec());
        self.drain(&mut session, &mut effects);
        drop(session);
        Inbox::tell(self, effects);
    }
}

impl Session<Inbox> {
    /// Whether what it talks over says something of the network, and not only of what the program lets it have.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn has_choice(&self) -> bool {
        self.machine.transports().len() > 1 && self.sink.blocked.is_empty()
    }

    /// Says which attempt was dropped with that, if one was.
    fn set_blocked(&mut self, kind: TransportKind, is_blocked: bool) -> Option<Attempt> {
        self.sink.blocked.retain(|it| *it != kind);
        if !is_blocked {
            return None;
        }
        self.sink.blocked.push(kind);
        Some(self.transports.get_mut(kind as usize)?.take()?.0)
    }
}
