//! An engine that is slow and fails as it is told: a database for several servers, as it were.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidewire_protocol::{
    Checked, Epoch, MemberId, Offset, OwnedPayload, Position, RoomName, SessionId,
    frame::{GapCause, RefusalCode, Start},
};
use tidewire_server::engine::{
    Append, AppendError, Engine, EngineFuture, Following, Lease, LoggedMessage, Missing, Origin, Page, Record,
    SharedSessions, Sink, Unavailable,
};
use tokio::{sync::watch, task::yield_now, time::sleep};

mod shared;

use shared::Shared;

/// A store that remembers everything it has ever accepted, in one epoch after another. Its clones are the same store.
#[derive(Clone, Debug)]
pub struct SlowEngine {
    store: Arc<Mutex<Store>>,
    /// Whether it works; where it does not, who asks waits.
    runs: Arc<watch::Sender<bool>>,
    latency: Duration,
    shares_sessions: bool,
    ends_with_server: bool,
}

/// What happens to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineFault {
    /// It is refused, and the publisher is told the code.
    Refused(RefusalCode),
    /// It is not appended, and the server is told so.
    Unavailable,
    /// It is not appended, and the server is not told.
    LostBefore,
    /// It is appended, and the server is not told.
    LostAfter,
    /// Nothing is ever heard of it, and it is appended.
    Silence,
}

#[derive(Debug, Default)]
struct Store {
    rooms: HashMap<RoomName, Stored>,
    faults: VecDeque<EngineFault>,
    refuses_to_follow: bool,
    followers: u64,
    epochs: u64,
    /// How often an append was asked for.
    asked: usize,
    sessions: Shared,
}

#[derive(Debug, Default)]
struct Stored {
    epoch: u64,
    messages: Vec<(Option<MemberId>, OwnedPayload)>,
    origins: HashMap<Origin, Position>,
    followers: Vec<(u64, Sink)>,
    /// One for each server at which a member is.
    present: Vec<MemberId>,
}

impl SlowEngine {
    /// An empty store that takes `latency` over each answer.
    #[must_use]
    pub fn new(latency: Duration) -> Self {
        Self {
            store: Arc::default(),
            runs: Arc::new(watch::Sender::new(true)),
            latency,
            shares_sessions: false,
            ends_with_server: false,
        }
    }

    /// The same, and its servers share their sessions, and who is in a room.
    #[must_use]
    pub fn sharing(latency: Duration) -> Self {
        Self {
            shares_sessions: true,
            ..Self::new(latency)
        }
    }

    /// The same, and what is published is gone with its server.
    #[must_use]
    pub fn ending(latency: Duration) -> Self {
        Self {
            ends_with_server: true,
            ..Self::new(latency)
        }
    }

    /// What happens to the next append, or to the one after those that this was said of already.
    pub fn fail_next(&self, fault: EngineFault) {
        self.lock().faults.push_back(fault);
    }

    /// Refuses to follow rooms, or no longer.
    pub fn refuse_to_follow(&self, refuses: bool) {
        self.lock().refuses_to_follow = refuses;
    }

    /// Stops answering, until [`go_on`](Self::go_on).
    pub fn stop(&self) {
        self.runs.send_replace(false);
    }

    /// Answers again.
    pub fn go_on(&self) {
        self.runs.send_replace(true);
    }

    /// Loses everything, and begins new epochs.
    pub fn lose_everything(&self) {
        let mut store = self.lock();
        let mut epochs = store.epochs;
        for room in store.rooms.values_mut() {
            epochs += 1;
            room.epoch = epochs;
            room.messages.clear();
            room.origins.clear();
            let position = room.head();
            room.followers.iter().for_each(|(_, sink)| sink.open(position));
        }
        store.epochs = epochs;
        store.sessions.forget_all();
    }

    /// How often it was asked to append something.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    /// The session in which a member published something.
    #[must_use]
    pub fn session_of(&self, member: &MemberId) -> Option<SessionId> {
        self.lock().rooms.values().find_map(|room| room.session_of(member))
    }

    /// How many servers follow a room.
    #[must_use]
    pub fn followers(&self, room: &str) -> usize {
        self.lock().rooms.get(room).map_or(0, |room| room.followers.len())
    }

    /// How many sessions it remembers.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    async fn wait(&self) {
        let mut runs = self.runs.subscribe();
        let _ = runs.wait_for(|runs| *runs).await;
        match self.latency {
            Duration::ZERO => yield_now().await,
            latency => sleep(latency).await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for SlowEngine {
    fn follow<'a>(&'a self, room: &'a RoomName, sink: Sink) -> EngineFuture<'a, Result<Following, Unavailable>> {
        Box::pin(async move {
            self.wait().await;
            let mut store = self.lock();
            if store.refuses_to_follow {
                return Err(Unavailable);
            }
            store.followers += 1;
            let id = store.followers;
            let stored = store.room(room);
            sink.open(stored.position(0));
            for (offset, message) in (1..).zip(&stored.messages) {
                sink.append(record(offset, message)).expect("the next");
            }
            stored.present.iter().for_each(|member| sink.enter(member));
            stored.followers.push((id, sink));
            Ok(Following::new(Follower {
                engine: self.clone(),
                room: room.clone(),
                id,
            }))
        })
    }

    fn append<'a>(&'a self, append: Append<'a>) -> EngineFuture<'a, Result<Position, AppendError>> {
        Box::pin(async move {
            self.wait().await;
            let fault = {
                let mut store = self.lock();
                store.asked += 1;
                store.faults.pop_front()
            };
            match fault {
                Some(EngineFault::Refused(code)) => return Err(AppendError::Refused(code)),
                Some(EngineFault::Unavailable) => return Err(AppendError::Unavailable),
                Some(EngineFault::LostBefore) => return Err(AppendError::Unknown),
                Some(EngineFault::LostAfter | EngineFault::Silence) | None => {}
            }
            let position = self.lock().append(&append, self.shares_sessions)?;
            match fault {
                Some(EngineFault::LostAfter) => Err(AppendError::Unknown),
                Some(EngineFault::Silence) => std::future::pending().await,
                _ => Ok(position),
            }
        })
    }

    fn read<'a>(
        &'a self,
        room: &'a RoomName,
        start: Start,
        limit: usize,
    ) -> EngineFuture<'a, Result<Option<Page>, Unavailable>> {
        Box::pin(async move {
            self.wait().await;
            Ok(self.lock().rooms.get(room).map(|room| room.read(start, limit)))
        })
    }

    fn outlives_server(&self) -> bool {
        !self.ends_with_server
    }

    fn sessions(&self) -> Option<&dyn SharedSessions> {
        self.shares_sessions.then_some(self)
    }

    fn enter(&self, room: &RoomName, member: &MemberId) -> Option<Lease> {
        if !self.shares_sessions {
            return None;
        }
        self.lock().room(room).enter(member);
        Some(Lease::new(Visit {
            engine: self.clone(),
            room: room.clone(),
            member: member.clone(),
        }))
    }
}

impl Store {
    fn append(&mut self, append: &Append<'_>, shares_sessions: bool) -> Result<Position, AppendError> {
        if let Origin::Session(session, sequence) = append.origin
            && shares_sessions
        {
            match self.sessions.check(*session, append.term, *sequence) {
                Checked::New => {}
                Checked::Accepted(position) => return Ok(position),
                Checked::Superseded => return Err(AppendError::Superseded),
                Checked::Unknown => return Err(AppendError::Lost),
            }
        }
        let room = self.room(append.room);
        if append.epoch.is_some_and(|epoch| epoch != room.head().epoch) {
            return Err(AppendError::Lost);
        }
        let position = room.append(append);
        if let Origin::Session(session, sequence) = append.origin {
            self.sessions.accept(*session, *sequence, position);
        }
        Ok(position)
    }

    fn room(&mut self, name: &RoomName) -> &mut Stored {
        let epochs = &mut self.epochs;
        self.rooms.entry(name.clone()).or_insert_with(|| {
            *epochs += 1;
            Stored {
                epoch: *epochs,
                ..Stored::default()
            }
        })
    }
}

impl Stored {
    fn position(&self, offset: u64) -> Position {
        Position {
            epoch: Epoch(self.epoch),
            offset: Offset(offset),
        }
    }

    fn head(&self) -> Position {
        self.position(self.messages.len() as u64)
    }

    fn session_of(&self, member: &MemberId) -> Option<SessionId> {
        self.origins.iter().find_map(|(origin, position)| match origin {
            Origin::Session(session, _) => {
                let (sender, _) = self.messages.get(position.offset.0 as usize - 1)?;
                (sender.as_ref() == Some(member)).then_some(*session)
            }
            _ => None,
        })
    }

    fn append(&mut self, append: &Append<'_>) -> Position {
        if let Some(position) = self.origins.get(append.origin) {
            return *position;
        }
        let message = (append.sender.cloned(), append.payload.into());
        let offset = self.messages.len() as u64 + 1;
        for (_, sink) in &self.followers {
            sink.append(record(offset, &message)).expect("the next");
        }
        self.messages.push(message);
        let position = self.head();
        if *append.origin != Origin::None {
            self.origins.insert(append.origin.clone(), position);
        }
        position
    }

    fn enter(&mut self, member: &MemberId) {
        self.present.push(member.clone());
        self.followers.iter().for_each(|(_, sink)| sink.enter(member));
    }

    fn exit(&mut self, member: &MemberId) {
        if let Some(index) = self.present.iter().position(|it| it == member) {
            self.present.swap_remove(index);
            self.followers.iter().for_each(|(_, sink)| sink.exit(member));
        }
    }

    fn read(&self, start: Start, limit: usize) -> Page {
        let head = self.head();
        let (after, missing) = match start {
            Start::Now => (head.offset.0, None),
            Start::Last(count) => (head.offset.0.saturating_sub(count.into()), None),
            Start::After(position) if position.epoch == head.epoch && position.offset <= head.offset => {
                (position.offset.0, None)
            }
            Start::After(position) => {
                let missing = Missing {
                    cause: GapCause::LogLost,
                    from: position.offset.next(),
                    resume: self.position(0),
                };
                (0, Some(missing))
            }
        };
        let messages: Vec<LoggedMessage> = (after + 1..)
            .zip(&self.messages[after as usize..])
            .take(limit)
            .map(|(offset, (sender, payload))| LoggedMessage {
                offset: Offset(offset),
                sender: sender.clone(),
                payload: payload.clone(),
            })
            .collect();
        Page {
            position: self.position(after + messages.len() as u64),
            messages,
            missing,
        }
    }
}

fn record(offset: u64, (sender, payload): &(Option<MemberId>, OwnedPayload)) -> Record<'_> {
    Record {
        offset: Offset(offset),
        sender: sender.as_ref(),
        payload: payload.as_payload(),
    }
}

/// One server that follows one room.
struct Follower {
    engine: SlowEngine,
    room: RoomName,
    id: u64,
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(room) = self.engine.lock().rooms.get_mut(&self.room) {
            room.followers.retain(|(id, _)| *id != self.id);
        }
    }
}

/// A member is in a room at one server.
struct Visit {
    engine: SlowEngine,
    room: RoomName,
    member: MemberId,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.engine.lock().room(&self.room).exit(&self.member);
    }
}
