//! Who is let in, and who is told to come back later.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, StatusCode};

use super::{
    Limits,
    address::{Address, Addresses, Counted, count_up},
    memory::Memory,
    partial::Partials,
    usage::{Owed, Rates},
};
use crate::clock::Clock;

/// Counts all that are connected.
#[derive(Debug)]
pub(crate) struct Gate {
    connections: AtomicUsize,
    max_connections: usize,
    addresses: Addresses,
    sessions: Arc<Rates>,
    partials: Arc<Partials>,
    memory: Memory,
}

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entering {
    WebSocket,
    Poll,
    /// A TCP connection on which nothing was said.
    Tcp,
}

/// One that was let in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    gate: Arc<Gate>,
    _address: Option<Counted>,
}

/// Why one is not let in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// The server has as much to do as it may.
    Full,
    /// As many come from its address as may.
    AddressFull,
    /// More came from its address than may in so short a time.
    TooFast(Duration),
}

impl Gate {
    pub(crate) fn new(limits: &Limits, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            connections: AtomicUsize::new(0),
            max_connections: limits.max_connections.unwrap_or(usize::MAX),
            addresses: Addresses::new(limits, clock),
            sessions: Rates::new(limits.session_messages, limits.session_bytes, clock),
            partials: Partials::new(limits.max_partial_bytes),
            memory: Memory::new(limits.max_memory),
        })
    }

    /// The rates that sessions are held to.
    pub(crate) fn session_rates(&self) -> &Arc<Rates> {
        &self.sessions
    }

    /// What messages and bodies take that have not come whole.
    pub(crate) fn partials(&self) -> &Arc<Partials> {
        &self.partials
    }

    /// Watches over the memory of the process.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Looks at the memory of the process, of which logs use so much, and says how many bytes they are to give back.
    pub(crate) fn look_at_memory(&self, logs: usize) -> usize {
        let connections = self.connections.load(Ordering::Relaxed);
        let in_use = logs + self.partials.bytes() + connections.saturating_mul(CONNECTION_BYTES);
        let bytes = self.memory.look(in_use);
        self.partials.set_short(self.memory.is_full());
        bytes
    }

    /// What is counted for an address, where it is known.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Option<Arc<Address>> {
        address.map(|address| self.addresses.get(address))
    }

    /// Lets one in that comes from this address.
    pub(crate) fn enter(self: &Arc<Self>, what: Entering, address: Option<IpAddr>) -> Result<Admitted, NotNow> {
        if what == Entering::WebSocket && self.memory.is_full() {
            return Err(NotNow::Full);
        }
        if !count_up(&self.connections, self.max_connections) {
            return Err(NotNow::Full);
        }
        // From here on dropping it counts down.
        let mut admitted = Admitted {
            gate: Arc::clone(self),
            _address: None,
        };
        if let Some(address) = self.address(address) {
            match what {
                Entering::WebSocket => address.shake_hands().map_err(NotNow::TooFast)?,
                Entering::Poll => {
                    // Whatever is in it, it counts as a frame.
                    let wait = address.usage().pay(&mut Owed { frames: 1, bytes: 0 });
                    wait.map_or(Ok(()), |wait| Err(NotNow::TooFast(wait)))?;
                }
                Entering::Tcp => {}
            }
            admitted._address = Some(address.connect().ok_or(NotNow::AddressFull)?);
        }
        Ok(admitted)
    }

    /// Lets a request to `/api` or `/metrics` be answered that comes from this address: it counts as a message.
    pub(crate) fn ask(&self, address: Option<IpAddr>) -> Result<(), NotNow> {
        let said = self.address(address).map_or(Ok(()), |address| address.usage().say());
        said.map_err(NotNow::TooFast)
    }
}

impl NotNow {
    /// The status of the answer over HTTP.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::AddressFull | Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// In a word, for the metrics.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
            Self::TooFast(_) => "too_fast",
        }
    }

    /// What people read in it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Full => "the server has as much to do as it may",
            Self::AddressFull => "as many come from this address as may",
            Self::TooFast(_) => "more came from this address than may in so short a time",
        }
    }

    /// After how many seconds it may come again, at least one: `Retry-After`.
    pub(crate) fn retry_after(self) -> HeaderValue {
        let wait = match self {
            Self::Full | Self::AddressFull => RETRY_AFTER,
            Self::TooFast(wait) => wait,
        };
        wait.as_secs().saturating_add(1).into()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.gate.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection takes that nothing is said on.
const CONNECTION_BYTES: usize = 4 << 10;

/// When to come back where it depends on others when there is a place.
const RETRY_AFTER: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_turned_away_at_one_limit_is_not_counted_at_another() {
        let limits = Limits {
            max_connections: Some(2),
            max_connections_per_address: Some(1),
            ..Limits::default()
        };
        let gate = Gate::new(&limits, Clock::new());
        let [one, other, third] = [1, 2, 3].map(|host| Some(IpAddr::from([192, 0, 2, host])));
        let first = gate.enter(Entering::WebSocket, one);
        assert_eq!(gate.enter(Entering::Poll, one).err(), Some(NotNow::AddressFull));
        let _second = gate.enter(Entering::Poll, other).expect("a place");
        assert_eq!(gate.enter(Entering::Poll, third).err(), Some(NotNow::Full));
        drop(first);
        assert!(gate.enter(Entering::WebSocket, third).is_ok());
        assert!(gate.enter(Entering::WebSocket, None).is_ok());
    }
}
