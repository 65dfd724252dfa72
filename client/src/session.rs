//! What the handles, the driver and the transport of one client share, under one lock.
//!
//! No code of the program's runs while it is locked.

use tidewire_protocol::{
    Instant, MAX_ROOM_BYTES, OwnedPayload, RoomName,
    client::{Attempt, Client as Machine, ClientState, TransportKind},
};

use crate::{
    error::{ConnectError, SignalErrorCause},
    options::ClientOptions,
    transport::{Farewell, Transport},
};
#[cfg(target_arch = "wasm32")]
use crate::{sink::Sink, store::Unsaved};

pub(crate) struct Session<S> {
    pub(crate) machine: Machine,
    /// Whom the program hears of it from.
    pub(crate) sink: S,
    /// The last one of each kind: a WebSocket may be opened while another transport is in use.
    pub(crate) transports: [Option<(Attempt, Transport)>; KINDS],
    /// Of the transport of a client that has ended.
    pub(crate) farewell: Option<Farewell>,
    /// Why the last transport could not even be tried.
    pub(crate) refusal: Option<ConnectError>,
    /// Whether the program has cut the link, and not joined it again.
    pub(crate) is_cut: bool,
    /// Which kinds of transport the program has blocked.
    blocked: [bool; KINDS],
    /// Why it is not kept for the page that follows.
    #[cfg(target_arch = "wasm32")]
    pub(crate) unsaved: Option<Unsaved>,
    max_unsent_bytes: usize,
    max_backlog_bytes: usize,
    /// Whether a turn is due because of what a handle has asked for.
    pub(crate) is_scheduled: bool,
}

impl<S> Session<S> {
    pub(crate) fn new(machine: Machine, sink: S, options: &ClientOptions) -> Self {
        Self {
            machine,
            sink,
            transports: Default::default(),
            farewell: None,
            refusal: None,
            is_cut: false,
            blocked: [false; KINDS],
            #[cfg(target_arch = "wasm32")]
            unsaved: None,
            max_unsent_bytes: options.max_unsent_bytes,
            max_backlog_bytes: max_backlog_bytes(options),
            is_scheduled: false,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.machine.state(), ClientState::Closed(_))
    }

    /// Whether more waits to be sent than what the program may have asked for: the server asks for answers, and does not
    /// take them.
    pub(crate) fn is_overdue(&self) -> bool {
        self.unsent_bytes() > self.max_backlog_bytes
    }

    fn unsent_bytes(&self) -> usize {
        let transports = self.transports.iter().flatten();
        transports.map(|(_, transport)| transport.unsent_bytes()).sum()
    }

    /// The transport of an attempt, unless another has taken its place.
    pub(crate) fn transport(&self, attempt: Attempt) -> Option<&Transport> {
        let mut transports = self.transports.iter().flatten();
        transports.find_map(|(of, transport)| (*of == attempt).then_some(transport))
    }

    /// Takes a new transport in, in the place of the last of its kind.
    pub(crate) fn put_transport(&mut self, kind: TransportKind, attempt: Attempt, transport: Transport) {
        if let Some(place) = self.transports.get_mut(kind as usize) {
            *place = Some((attempt, transport));
        }
    }

    /// Takes a transport out.
    pub(crate) fn take_transport(&mut self, attempt: Attempt) -> Option<Transport> {
        let mut transports = self.transports.iter_mut();
        let taken = transports.find_map(|it| it.take_if(|(of, _)| *of == attempt));
        taken.map(|(_, transport)| transport)
    }

    /// Drops one of the transports there are, and says which.
    pub(crate) fn drop_transport(&mut self) -> Option<Attempt> {
        let taken = self.transports.iter_mut().find_map(Option::take)?;
        Some(taken.0)
    }

    /// Drops the transport of a kind, if there is one, and says which.
    pub(crate) fn drop_transport_of(&mut self, kind: TransportKind) -> Option<Attempt> {
        let taken = self.transports.get_mut(kind as usize)?.take()?;
        Some(taken.0)
    }

    /// Whether what it talks over says something of the network, and not only of what the program lets it have.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn has_choice(&self) -> bool {
        self.machine.transports().len() > 1 && self.blocked == [false; KINDS]
    }

    /// Whether the program has blocked a kind of transport. The npm package cannot.
    pub(crate) fn is_blocked(&self, kind: TransportKind) -> bool {
        !cfg!(all(target_arch = "wasm32", feature = "js")) && self.blocked.get(kind as usize) == Some(&true)
    }

    pub(crate) fn set_blocked(&mut self, kind: TransportKind, is_blocked: bool) {
        if let Some(it) = self.blocked.get_mut(kind as usize) {
            *it = is_blocked;
        }
    }

    /// Signals, unless there is no connection or too much waits to be sent.
    pub(crate) fn signal(
        &mut self,
        now: Instant,
        room: &RoomName,
        payload: &OwnedPayload,
    ) -> Result<(), SignalErrorCause> {
        if self.unsent_bytes().saturating_add(self.machine.unsaid_bytes()) > self.max_unsent_bytes {
            return Err(SignalErrorCause::Full);
        }
        if !self.machine.signal(now, room, payload) {
            return Err(SignalErrorCause::NotConnected);
        }
        Ok(())
    }
}

#[cfg(target_arch = "wasm32")]
impl<S: Sink> Session<S> {
    /// It could not be kept. That is told once.
    pub(crate) fn leave_unsaved(&mut self, why: Unsaved) {
        if self.unsaved.is_none() {
            self.unsaved = Some(why);
            self.sink.unsaved(why);
        }
    }
}

/// The most that a transport may hold: all publishes, all signals, and what the server is asked and answered beside them.
const fn max_backlog_bytes(options: &ClientOptions) -> usize {
    let around_each = MAX_ROOM_BYTES + FRAME_BYTES;
    let publishes = options.outbox.max_publishes.saturating_mul(around_each);
    publishes
        .saturating_add(options.outbox.max_bytes)
        .saturating_add(options.max_unsent_bytes)
        .saturating_add(REQUEST_BYTES)
}

/// How many kinds of transport there are.
const KINDS: usize = 2;
/// What a frame takes beside its room and payload, at most.
const FRAME_BYTES: usize = 16;
/// For subscriptions, pings and pongs: tens of thousands.
const REQUEST_BYTES: usize = 1 << 20;
