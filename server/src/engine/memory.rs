//! One server, in memory.

use std::{
    collections::{HashMap, VecDeque},
    future::ready,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tidewire_protocol::{Offset, Position, RoomName, frame::Start};
use tokio::time::Instant;

use super::{Append, AppendError, Engine, EngineFuture, Following, Origin, Page, Sink, Unavailable};
use crate::random;

/// Keeps messages in the log of one server, and nothing else of them.
///
/// What leaves that log is gone, and so is everything when the server ends. It always answers at once, and never with
/// [`AppendError::Unknown`], so that it need not know the publishes of sessions, nor epochs.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rooms: Mutex<HashMap<RoomName, Sink>>,
    keys: Mutex<Keys>,
}

/// The publishes that had keys, the oldest first.
#[derive(Debug, Default)]
struct Keys {
    positions: HashMap<Key, Position>,
    order: VecDeque<(Instant, Key)>,
}

type Key = Arc<(RoomName, String)>;

/// Ends following.
struct Followed {
    shared: Weak<Shared>,
    room: RoomName,
    sink: Sink,
}

impl MemoryEngine {
    /// How many keys are remembered. One more, and the oldest is forgotten.
    pub const MAX_KEYS: usize = 10_000;

    /// For how long a key is remembered.
    pub const KEY_TTL: Duration = Duration::from_secs(3600);

    /// An engine without rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Engine for MemoryEngine {
    fn follow<'a>(&'a self, room: &'a RoomName, sink: Sink) -> EngineFuture<'a, Result<Following, Unavailable>> {
        let Ok(epoch) = random::epoch() else {
            return Box::pin(ready(Err(Unavailable)));
        };
        sink.open(Position {
            epoch,
            offset: Offset(0),
        });
        lock(&self.shared.rooms).insert(room.clone(), sink.clone());
        let followed = Followed {
            shared: Arc::downgrade(&self.shared),
            room: room.clone(),
            sink,
        };
        Box::pin(ready(Ok(Following::new(followed))))
    }

    fn append<'a>(&'a self, append: Append<'a>) -> EngineFuture<'a, Result<Position, AppendError>> {
        Box::pin(ready(self.shared.append(append).ok_or(AppendError::Unavailable)))
    }

    fn outlives_server(&self) -> bool {
        false
    }

    fn read<'a>(
        &'a self,
        room: &'a RoomName,
        start: Start,
        limit: usize,
    ) -> EngineFuture<'a, Result<Option<Page>, Unavailable>> {
        let page = self.shared.sink(room).and_then(|sink| sink.read(start, limit));
        Box::pin(ready(Ok(page)))
    }
}

impl Shared {
    fn sink(&self, room: &RoomName) -> Option<Sink> {
        lock(&self.rooms).get(room).cloned()
    }

    fn append(&self, append: Append<'_>) -> Option<Position> {
        let push = || self.sink(append.room)?.push(append.sender, append.payload);
        let Origin::Key(key) = append.origin else { return push() };
        // The lock is held over both, so that of two appends with one key the second finds the first.
        let mut keys = lock(&self.keys);
        let now = Instant::now();
        keys.forget(now);
        let key = Key::new((append.room.clone(), key.clone()));
        if let Some(position) = keys.positions.get(&key) {
            return Some(*position);
        }
        let position = push()?;
        keys.remember(now, key, position);
        Some(position)
    }
}

impl Keys {
    fn remember(&mut self, now: Instant, key: Key, position: Position) {
        self.positions.insert(Arc::clone(&key), position);
        self.order.push_back((now, key));
        if self.order.len() > MemoryEngine::MAX_KEYS
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, key)) = self.order.front()
            && now.duration_since(*at) >= MemoryEngine::KEY_TTL
        {
            self.positions.remove(key);
            self.order.pop_front();
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut rooms = lock(&shared.rooms);
            // The room may be followed anew by now.
            if rooms.get(&self.room).is_some_and(|sink| sink.is_same(&self.sink)) {
                rooms.remove(&self.room);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // No code that can panic runs under the locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
