//! Where clients come from, and what is counted for each such place.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tidewire_protocol::Instant;

use super::{
    Limits,
    meter::{Limiter, Meter},
    usage::{Rates, Usage},
};
use crate::clock::Clock;

/// All addresses that are there now, or were within the last minute.
#[derive(Debug)]
pub(crate) struct Addresses {
    clock: Clock,
    rates: Arc<Rates>,
    shared: Arc<Shared>,
    state: Mutex<State>,
    max: usize,
}

/// What holds for each of them.
#[derive(Debug)]
struct Shared {
    handshakes: Limiter,
    rooms: Limiter,
    max_connections: usize,
    max_sessions: usize,
}

#[derive(Debug)]
struct State {
    known: HashMap<IpAddr, Known>,
    /// Those that there was no place for count as one.
    crowd: Arc<Address>,
    /// When they were last looked through. Doing so for each that comes would be costly.
    tidied: Instant,
}

#[derive(Debug)]
struct Known {
    address: Arc<Address>,
    seen: Instant,
}

/// An IPv4 address, or the 64 bits of an IPv6 address that a customer is given.
#[derive(Debug)]
pub(crate) struct Address {
    shared: Arc<Shared>,
    connections: AtomicUsize,
    sessions: AtomicUsize,
    handshakes: Meter,
    rooms: Meter,
    usage: Usage,
}

/// One of those that are counted for an address. Dropping it counts down.
#[derive(Debug)]
pub(crate) struct Counted {
    address: Arc<Address>,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Connection,
    Session,
}

impl Addresses {
    pub(crate) fn new(limits: &Limits, clock: Clock) -> Self {
        let shared = Arc::new(Shared {
            handshakes: Limiter::new(limits.handshakes, clock),
            rooms: Limiter::new(limits.new_rooms, clock),
            max_connections: limits.max_connections_per_address.unwrap_or(usize::MAX),
            max_sessions: limits.max_sessions_per_address.unwrap_or(usize::MAX),
        });
        let rates = Rates::new(limits.address_messages, limits.address_bytes, clock);
        Self {
            clock,
            state: Mutex::new(State {
                known: HashMap::new(),
                crowd: Arc::new(Address::new(&shared, &rates)),
                tidied: clock.now(),
            }),
            rates,
            shared,
            max: MAX_ADDRESSES,
        }
    }

    /// What is counted for an address.
    pub(crate) fn get(&self, address: IpAddr) -> Arc<Address> {
        let (now, key) = (self.clock.now(), key(address));
        let mut state = self.lock();
        state.tidy(now, self.max);
        if let Some(known) = state.known.get_mut(&key) {
            known.seen = now;
            return Arc::clone(&known.address);
        }
        if state.known.len() >= self.max {
            return Arc::clone(&state.crowd);
        }
        let address = Arc::new(Address::new(&self.shared, &self.rates));
        let known = Known {
            address: Arc::clone(&address),
            seen: now,
        };
        state.known.insert(key, known);
        address
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Now and then forgets those of whom nothing is there, and nothing was seen for so long that they may have all of their
    /// rates again; where there is no place left, however lately they were seen.
    fn tidy(&mut self, now: Instant, max: usize) {
        let remembered = match self.known.len() < max {
            true => REMEMBERED,
            false => Duration::ZERO,
        };
        if now.since(self.tidied) < TIDY_INTERVAL {
            return;
        }
        self.tidied = now;
        self.known
            .retain(|_, it| !it.is_gone() || now.since(it.seen) < remembered);
        if self.known.len() < self.known.capacity() / 4 {
            self.known.shrink_to_fit();
        }
    }
}

impl Known {
    fn is_gone(&self) -> bool {
        // Whoever is counted holds it.
        Arc::strong_count(&self.address) == 1
    }
}

impl Address {
    fn new(shared: &Arc<Shared>, rates: &Arc<Rates>) -> Self {
        Self {
            shared: Arc::clone(shared),
            connections: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            handshakes: Meter::default(),
            rooms: Meter::default(),
            usage: Usage::new(rates),
        }
    }

    /// What its clients send.
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Whether it may connect again already; where not, after which time.
    pub(crate) fn shake_hands(&self) -> Result<(), Duration> {
        self.shared.handshakes.take(&self.handshakes, 1)
    }

    /// Whether it may have another room made.
    pub(crate) fn may_make_room(&self) -> bool {
        self.shared.rooms.take(&self.rooms, 1).is_ok()
    }

    /// Counts a connection, if there may be one more.
    pub(crate) fn connect(self: &Arc<Self>) -> Option<Counted> {
        self.count(What::Connection, self.shared.max_connections)
    }

    /// Counts a session, if there may be one more.
    pub(crate) fn begin_session(self: &Arc<Self>) -> Option<Counted> {
        self.count(What::Session, self.shared.max_sessions)
    }

    fn count(self: &Arc<Self>, what: What, max: usize) -> Option<Counted> {
        if !count_up(self.counter(what), max) {
            return None;
        }
        Some(Counted {
            address: Arc::clone(self),
            what,
        })
    }

    fn counter(&self, what: What) -> &AtomicUsize {
        match what {
            What::Connection => &self.connections,
            What::Session => &self.sessions,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.address.counter(self.what).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds one, unless there are so many already.
pub(super) fn count_up(counter: &AtomicUsize, max: usize) -> bool {
    let more = |count| (count < max).then_some(count + 1);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// What an address is known by.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How many addresses are told apart.
pub(super) const MAX_ADDRESSES: usize = 65_536;

/// For how long an address is remembered that nothing is there of.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How often they are looked through.
const TIDY_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Rate;

    fn addresses(change: impl FnOnce(&mut Limits)) -> Addresses {
        let mut limits = Limits::default();
        change(&mut limits);
        Addresses::new(&limits, Clock::new())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        assert_eq!(key(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_ne!(key(ip("2001:db8:1:2::1")), key(ip("2001:db8:1:3::1")));
        assert_eq!(key(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_ne!(key(ip("192.0.2.1")), key(ip("192.0.2.2")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_forgotten_a_minute_after_its_last() {
        let addresses = addresses(|limits| limits.handshakes = Rate::new(1, 100));
        let address = ip("192.0.2.1");
        let other = ip("192.0.2.2");
        let counted = addresses.get(address).connect();
        tokio::time::advance(2 * REMEMBERED).await;
        addresses.get(other);
        assert_eq!(addresses.lock().known.len(), 2);
        drop(counted);
        addresses.get(address);
        tokio::time::advance(REMEMBERED - Duration::from_millis(1)).await;
        addresses.get(other);
        assert_eq!(addresses.lock().known.len(), 2);
        tokio::time::advance(TIDY_INTERVAL).await;
        addresses.get(other);
        assert_eq!(addresses.lock().known.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_there_is_no_place_for_count_as_one() {
        let mut addresses = addresses(|limits| limits.max_connections_per_address = Some(1));
        addresses.max = 2;
        let [one, two, three, four] = [1, 2, 3, 4].map(|host| ip(&format!("192.0.2.{host}")));
        let counted = [one, two, three].map(|it| addresses.get(it).connect().expect("a first"));
        assert!(addresses.get(four).connect().is_none());
        drop(counted);
        tokio::time::advance(TIDY_INTERVAL).await;
        let _counted = [three, four].map(|it| addresses.get(it).connect().expect("a first"));
        assert!(addresses.get(four).connect().is_none());
    }

    #[test]
    fn one_connection_more_than_there_may_be_is_not_counted() {
        let addresses = addresses(|limits| limits.max_connections_per_address = Some(2));
        let address = addresses.get(ip("192.0.2.1"));
        let first = address.connect();
        let _second = address.connect();
        assert!(first.is_some() && address.connect().is_none());
        drop(first);
        assert!(address.connect().is_some());
    }
}
