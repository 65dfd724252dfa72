//! All rooms of a server: find, make, retire.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::{FutureExt, future::Shared};
use tidewire_protocol::{Epoch, Instant, Offset, Position, Retention, RoomName, RoomNumber, frame::RefusalCode};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::{
    budget::{Budget, share},
    clock::Clock,
    engine::{Engine, EngineFuture, Following, Sink},
    limits::Address,
    room::Room,
    settings::Settings,
};

/// All rooms of a server.
#[derive(Debug)]
pub(crate) struct Rooms {
    engine: Arc<dyn Engine>,
    clock: Clock,
    retention: Retention,
    max_rooms: usize,
    room_ttl: Duration,
    engine_timeout: Duration,
    budget: Arc<Budget>,
    shelf: Mutex<Shelf>,
    me: Weak<Self>,
}

#[derive(Debug, Default)]
struct Shelf {
    slots: HashMap<RoomName, Slot>,
    last_number: u32,
    /// When room was last made by retiring rooms. Looking through all of them for each that is refused would be costly.
    cleared: Option<Instant>,
}

#[derive(Debug)]
enum Slot {
    /// The engine was asked. Whoever needs the room helps to wait.
    Opening(Shared<EngineFuture<'static, Opened>>),
    Open {
        room: Arc<Room>,
        /// Held for its drop.
        _following: Following,
        /// Since when nobody is there and no message is kept, as was seen.
        idle_since: Option<Instant>,
    },
}

/// What comes of opening a room.
type Opened = Result<Arc<Room>, RefusalCode>;

/// A room that is being opened, or was.
#[derive(Debug)]
pub(crate) enum Opening {
    Done(Opened),
    Pending(Shared<EngineFuture<'static, Opened>>),
}

impl Rooms {
    pub(crate) fn new(engine: Arc<dyn Engine>, clock: Clock, settings: &Settings) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            engine,
            clock,
            retention: settings.retention,
            max_rooms: settings.max_rooms,
            room_ttl: settings.room_ttl,
            engine_timeout: settings.engine_timeout,
            budget: Arc::new(Budget::new(settings.max_log_bytes)),
            shelf: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().slots.len()
    }

    /// What all their logs keep.
    pub(crate) fn log_bytes(&self) -> usize {
        self.budget.used()
    }

    /// A room that is open.
    pub(crate) fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        match self.lock().slots.get(name) {
            Some(Slot::Open { room, .. }) => Some(Arc::clone(room)),
            _ => None,
        }
    }

    /// A room, opened where it is not. Clients of one address may not have too many made.
    pub(crate) fn open(&self, name: &RoomName, address: Option<&Arc<Address>>) -> Opening {
        let opening = {
            let mut shelf = self.lock();
            match shelf.slots.get(name) {
                Some(Slot::Open { room, .. }) => return Opening::Done(Ok(Arc::clone(room))),
                Some(Slot::Opening(opening)) => return Opening::Pending(Shared::clone(opening)),
                None => {}
            }
            if shelf.slots.len() >= self.max_rooms {
                let retired = shelf.clear(self.clock.now());
                drop(shelf);
                drop(retired);
                shelf = self.lock();
                if shelf.slots.len() >= self.max_rooms {
                    return Opening::Done(Err(RefusalCode::TOO_MANY_ROOMS));
                }
            }
            if address.is_some_and(|address| !address.may_make_room()) {
                return Opening::Done(Err(RefusalCode::RATE_LIMITED));
            }
            let opening = self.begin(shelf.next_number(), name.clone()).shared();
            shelf.slots.insert(name.clone(), Slot::Opening(Shared::clone(&opening)));
            opening
        };
        // An engine that answers at once needs nobody to wait.
        match Shared::clone(&opening).now_or_never() {
            Some(opened) => Opening::Done(opened),
            None => Opening::Pending(opening),
        }
    }

    /// Asks the engine, and puts the room on the shelf once it is there.
    fn begin(&self, number: RoomNumber, name: RoomName) -> EngineFuture<'static, Opened> {
        // The engine says where the log begins; until then it is one that never was.
        let nowhere = Position {
            epoch: Epoch(0),
            offset: Offset(0),
        };
        let budget = Arc::clone(&self.budget);
        let room = Room::new(number, nowhere, self.retention, budget, Weak::clone(&self.me));
        let (engine, me) = (Arc::clone(&self.engine), Weak::clone(&self.me));
        let (limit, clock) = (self.engine_timeout, self.clock);
        Box::pin(async move {
            let sink = Sink::new(&room, clock);
            let followed = timeout(limit, engine.follow(&name, sink)).await;
            let slot = match followed {
                Ok(Ok(following)) => Some(Slot::Open {
                    room: Arc::clone(&room),
                    _following: following,
                    idle_since: None,
                }),
                _ => {
                    warn!("the engine does not open a room");
                    None
                }
            };
            let is_open = slot.is_some();
            if let Some(rooms) = me.upgrade() {
                rooms.put(name, slot);
            }
            if is_open {
                Ok(room)
            } else {
                Err(RefusalCode::UNAVAILABLE)
            }
        })
    }

    fn put(&self, name: RoomName, slot: Option<Slot>) {
        let mut shelf = self.lock();
        let opening = match slot {
            Some(slot) => shelf.slots.insert(name, slot),
            None => shelf.slots.remove(&name),
        };
        drop(shelf);
        drop(opening);
    }

    /// Lets go of messages that are too old, and of rooms that nobody has been in for long.
    pub(crate) fn sweep(&self) {
        let now = self.clock.now();
        for room in self.all() {
            room.evict(now);
        }
        let retired = self.lock().retire(now, self.room_ttl);
        if !retired.is_empty() {
            debug!(rooms = retired.len(), "retired");
        }
    }

    /// Makes the largest logs give way until all together keep an eighth less than they may.
    pub(crate) fn relieve(&self) {
        self.shrink(self.budget.max() - self.budget.max() / 8);
        warn!("the logs were over their bound and were shortened");
    }

    /// Makes the largest logs give way until all together keep so many bytes less.
    pub(crate) fn give_back(&self, bytes: usize) {
        let before = self.budget.used();
        if before > 0 {
            self.shrink(before.saturating_sub(bytes));
            warn!(
                before,
                after = self.budget.used(),
                "the logs were shortened to make room in memory"
            );
        }
    }

    fn shrink(&self, target: usize) {
        let rooms = self.all();
        let bytes = share(rooms.iter().map(|room| room.bytes()).collect(), target);
        rooms.iter().for_each(|room| room.shrink(bytes));
    }

    fn all(&self) -> Vec<Arc<Room>> {
        let shelf = self.lock();
        let rooms = shelf.slots.values().filter_map(|slot| match slot {
            Slot::Open { room, .. } => Some(Arc::clone(room)),
            Slot::Opening(_) => None,
        });
        rooms.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // Neither code that can panic nor code of an engine runs under the lock.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn next_number(&mut self) -> RoomNumber {
        self.last_number = self.last_number.wrapping_add(1);
        RoomNumber(self.last_number)
    }

    /// Takes all idle rooms off the shelf, if that was not tried just now.
    fn clear(&mut self, now: Instant) -> Vec<Slot> {
        if self.cleared.is_some_and(|at| now.since(at) < CLEAR_INTERVAL) {
            return Vec::new();
        }
        self.cleared = Some(now);
        self.retire(now, Duration::ZERO)
    }

    /// Takes rooms off the shelf that have been idle for `ttl`, and openings that nobody waits for. They are returned, to be
    /// dropped outside of the lock.
    fn retire(&mut self, now: Instant, ttl: Duration) -> Vec<Slot> {
        let is_over = |slot: &mut Slot| match slot {
            Slot::Opening(opening) => opening.strong_count() == Some(1),
            Slot::Open { room, idle_since, .. } => {
                // The shelf is locked, so nobody gets hold of the room meanwhile but one who has it already.
                let is_idle = Arc::strong_count(room) == 1 && room.evict(now);
                *idle_since = is_idle.then(|| idle_since.unwrap_or(now));
                idle_since.is_some_and(|since| now.since(since) >= ttl)
            }
        };
        let retired = self.slots.extract_if(|_, slot| is_over(slot));
        retired.map(|(_, slot)| slot).collect()
    }
}

impl Opening {
    /// The room, once it is open.
    pub(crate) async fn wait(self) -> Opened {
        match self {
            Self::Done(opened) => opened,
            Self::Pending(opening) => opening.await,
        }
    }
}

/// How often rooms are looked through for idle ones while there are as many as there may be.
const CLEAR_INTERVAL: Duration = Duration::from_millis(100);
