//! What nodes share: rooms and sessions, as in a database of their own.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    Answer, Asked, Attached, CloseCode, ConnectionId, Epoch, Instant, Log, MemberId, Position, Presence, Retention,
    RoomName, RoomNumber, SessionId, Sessions, TransientLimits, Transients,
    frame::{Outcome, Payload, RefusalCode, Start},
};

use super::{
    model::{Check, Model, ensure},
    random::Random,
};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) rooms: BTreeMap<RoomName, Room>,
    pub(crate) sessions: Sessions,
    /// What is kept of each session beside what the machine keeps.
    pub(super) kept: BTreeMap<SessionId, Kept>,
    epochs: u64,
    numbers: u32,
    retention: Retention,
    transients: TransientLimits,
    session_ttl: Duration,
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) log: Log,
    pub(super) presence: Presence,
    pub(super) transients: Transients<SessionId>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) client: usize,
    pub(super) member: MemberId,
    connection: ConnectionId,
    /// When its connection ended, if it has none.
    detached: Option<Instant>,
    /// The rooms that it is in, and which connection asked for each last.
    pub(super) rooms: BTreeMap<RoomName, ConnectionId>,
}

pub(crate) const MAX_UNANSWERED: usize = 8;

impl Engine {
    pub(crate) fn new(random: &mut Random) -> Self {
        let retention = Retention {
            max_messages: [4, 20, 1000][random.below(3)],
            max_bytes: [600, 1 << 20][random.below(2)],
            max_age: Duration::from_secs([3, 300][random.below(2)]),
        };
        let transients = TransientLimits {
            max_frames: [2, 256][random.below(2)],
            ..TransientLimits::default()
        };
        let session_ttl = Duration::from_secs([2, 20, 120][random.below(3)]);
        let sessions = Sessions::new(session_ttl, MAX_UNANSWERED, 1000);
        Self {
            rooms: BTreeMap::new(),
            sessions,
            kept: BTreeMap::new(),
            epochs: 0,
            numbers: 0,
            retention,
            transients,
            session_ttl,
        }
    }

    pub(crate) fn room(&mut self, name: &RoomName) -> &mut Room {
        self.rooms.entry(name.clone()).or_insert_with(|| {
            self.epochs += 1;
            self.numbers += 1;
            Room {
                log: Log::new(RoomNumber(self.numbers), Epoch(self.epochs), self.retention),
                presence: Presence::default(),
                transients: Transients::new(self.transients),
            }
        })
    }

    /// Accepts a publish, or refuses it.
    pub(crate) fn append(
        &mut self,
        now: Instant,
        room: &RoomName,
        sender: &str,
        payload: Payload<'_>,
        random: &mut Random,
        model: &mut Model,
    ) -> Result<Answer, String> {
        if random.chance(2) {
            return Ok(Err(RefusalCode::UNAVAILABLE));
        }
        let Payload::Text(text) = payload else {
            return Err("bytes where text was said".into());
        };
        let said = text.parse().map_err(|_| format!("{text} where a number was said"))?;
        let log = &mut self.room(room).log;
        let position = log.append(now, sender, payload);
        model.on_accepted(room.as_str(), position, said)?;
        note_evicted(room, log, model);
        Ok(Ok(position))
    }

    pub(crate) fn evict(&mut self, now: Instant, model: &mut Model) {
        for (name, room) in &mut self.rooms {
            room.log.evict(now);
            note_evicted(name, &room.log, model);
        }
    }

    /// Loses everything. Who loses a log also forgets the sessions that published to it.
    pub(crate) fn lose(&mut self) {
        self.rooms.clear();
        self.kept.clear();
        self.sessions = Sessions::new(self.session_ttl, MAX_UNANSWERED, 1000);
    }

    pub(crate) fn heads(&self) -> BTreeMap<String, Position> {
        let heads = self.rooms.iter();
        heads
            .map(|(name, room)| (name.as_str().to_owned(), room.log.head()))
            .collect()
    }

    pub(crate) fn check_bounds(&self) -> Check {
        for (name, room) in &self.rooms {
            let bytes = room.log.bytes();
            ensure(bytes <= self.retention.max_bytes, || {
                format!("{name:?} keeps {bytes} bytes")
            })?;
        }
        Ok(())
    }

    /// Gives a connection a session. One that has not waited for too long must go on.
    pub(super) fn attach(
        &mut self,
        connection: ConnectionId,
        asked: Asked,
        fresh: SessionId,
        client: usize,
    ) -> Result<Result<Attached, CloseCode>, String> {
        let member = member(client);
        let goes_on = asked.session.is_some_and(|id| self.kept.contains_key(&id));
        let attached = match self.sessions.attach(connection, asked, fresh, &member) {
            Ok(attached) => attached,
            Err(code) => return Ok(Err(code)),
        };
        ensure((attached.outcome == Outcome::Resumed) == goes_on, || {
            format!("{:?}, where the session was kept: {goes_on}", attached.outcome)
        })?;
        let kept = self.kept.entry(attached.session).or_insert_with(|| Kept {
            client,
            member,
            connection,
            detached: None,
            rooms: BTreeMap::new(),
        });
        (kept.connection, kept.detached) = (connection, None);
        Ok(Ok(attached))
    }

    /// Whether a connection has a session.
    pub(super) fn has(&self, session: SessionId, connection: ConnectionId) -> bool {
        self.kept
            .get(&session)
            .is_some_and(|kept| kept.connection == connection)
    }

    pub(super) fn detach(&mut self, now: Instant, session: SessionId, connection: ConnectionId) {
        self.sessions.detach(now, session, connection);
        if let Some(kept) = self.kept.get_mut(&session).filter(|it| it.connection == connection) {
            kept.detached = Some(now);
        }
    }

    /// Forgets the sessions that have waited long enough, and none that has not.
    pub(super) fn expire(&mut self, now: Instant) -> Check {
        for id in self.sessions.expire(now) {
            let due = self.kept.get(&id).and_then(|kept| kept.detached);
            ensure(due.is_some_and(|at| at + self.session_ttl <= now), || {
                format!("a session that waits since {due:?} has expired")
            })?;
            self.exit_all(id);
        }
        Ok(())
    }
}

fn note_evicted(room: &RoomName, log: &Log, model: &mut Model) {
    // A subscriber that asks for all there is begins where the log does.
    let begin = log.cursor(Start::Last(u32::MAX)).position();
    model.on_evicted(room.as_str(), begin);
}

/// The session id that is drawn for a new session.
pub(crate) fn fresh_session(random: &mut Random) -> SessionId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    SessionId(id)
}

pub(super) fn member(client: usize) -> MemberId {
    MemberId::new(&format!("member-{client}")).expect("a name")
}
