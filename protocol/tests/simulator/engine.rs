//! What nodes share: rooms, and the register of their sessions, as in a database of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tidewire_protocol::{
    Answer, Checked, Claim, Claimed, ConnectionId, Epoch, Instant, Log, MemberId, Position, Presence, Register,
    Retention, RoomName, RoomNumber, Sequence, SessionId, Term, TransientLimits, Transients,
    frame::{Payload, RefusalCode, Start},
};

use super::{
    model::{Check, Model, ensure},
    publishes::Publish,
    random::Random,
};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) rooms: BTreeMap<RoomName, Room>,
    register: Register,
    /// Who was granted each session last, and since when it is no longer used.
    pub(super) holders: BTreeMap<SessionId, Holder>,
    /// What was refused: a node that asks twice hears the same.
    refused: BTreeSet<(SessionId, Term, Sequence)>,
    epochs: u64,
    numbers: u32,
    retention: Retention,
    transients: TransientLimits,
    pub(super) session_ttl: Duration,
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) log: Log,
    pub(super) presence: Presence,
    pub(super) transients: Transients<SessionId>,
}

/// Whom a session was granted to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) node: usize,
    pub(super) lease: Lease,
    released: Option<Instant>,
}

/// A connection's use of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) session: SessionId,
    pub(super) term: Term,
    pub(super) attempt: u64,
    pub(super) connection: ConnectionId,
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
        Self {
            rooms: BTreeMap::new(),
            register: Register::default(),
            holders: BTreeMap::new(),
            refused: BTreeSet::new(),
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

    /// Accepts a publish that is new, or refuses it.
    pub(super) fn append(
        &mut self,
        now: Instant,
        publish: &Publish,
        payload: Payload<'_>,
        random: &mut Random,
        model: &mut Model,
    ) -> Result<Answer, String> {
        let Publish {
            session,
            term,
            sequence,
            ..
        } = *publish;
        if random.chance(2) || self.refused.contains(&(session, term, sequence)) {
            self.refused.insert((session, term, sequence));
            return Ok(Err(RefusalCode::UNAVAILABLE));
        }
        let Payload::Text(text) = payload else {
            return Err("bytes where text was said".into());
        };
        let said = text.parse().map_err(|_| format!("{text} where a number was said"))?;
        let (room, sender) = (&publish.room, member(publish.client));
        let log = &mut self.room(room).log;
        let position = log.append(now, sender.as_str(), payload);
        model.on_accepted(room.as_str(), position, said)?;
        note_evicted(room, log, model);
        self.register.accept(session, sequence, position);
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
        self.holders.clear();
        self.register = Register::default();
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

    /// How many sessions there are.
    pub(super) fn sessions(&self) -> usize {
        self.register.len()
    }

    /// Answers a node that asks for a session, and says who has had it before, if that is another term. One that was not unused
    /// for too long must go on.
    pub(super) fn claim(
        &mut self,
        now: Instant,
        claim: &Claim,
        (node, connection): (usize, ConnectionId),
    ) -> Result<(Claimed, Option<Holder>), String> {
        self.expire(now)?;
        let is_there = claim.begins || self.holders.contains_key(&claim.session);
        let claimed = self.register.claim(now, claim);
        ensure((claimed != Claimed::Unknown) == is_there, || {
            format!("{claimed:?}, where the session is there: {is_there}")
        })?;
        let Claimed::Granted(granted) = &claimed else {
            return Ok((claimed, None));
        };
        let holder = Holder {
            node,
            lease: Lease {
                session: claim.session,
                term: granted.term,
                attempt: claim.attempt,
                connection,
            },
            released: None,
        };
        let before = self.holders.insert(claim.session, holder);
        let lost = before.filter(|before| before.lease.term != granted.term);
        Ok((claimed, lost))
    }

    /// A connection no longer uses its session.
    pub(super) fn release(&mut self, now: Instant, lease: Lease) {
        let Lease {
            session, term, attempt, ..
        } = lease;
        self.register.release(now, session, term, attempt);
        if let Some(holder) = self.holders.get_mut(&session).filter(|it| it.lease == lease) {
            holder.released.get_or_insert(now);
        }
    }

    pub(super) fn end(&mut self, session: SessionId, term: Term) {
        self.register.end(session, term);
        if self.holders.get(&session).is_some_and(|it| it.lease.term == term) {
            self.holders.remove(&session);
        }
    }

    /// Whether a publish is new.
    pub(super) fn check(&self, publish: &Publish) -> Checked {
        self.register.check(publish.session, publish.term, publish.sequence)
    }

    /// Forgets the sessions that nobody has used for long enough, and none else.
    pub(super) fn expire(&mut self, now: Instant) -> Check {
        for id in self.register.expire(now) {
            let due = self.holders.remove(&id).and_then(|holder| holder.released);
            ensure(due.is_some_and(|at| at + self.session_ttl <= now), || {
                format!("a session that is not used since {due:?} has expired")
            })?;
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
