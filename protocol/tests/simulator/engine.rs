//! What nodes share: logs and sessions, as in a database of their own.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    Answer, Epoch, Instant, Log, Position, Retention, RoomNumber, SessionId, Sessions,
    frame::{Payload, RefusalCode, Start},
};

use super::{
    model::{Check, Model},
    random::Random,
};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) logs: BTreeMap<String, Log>,
    pub(crate) sessions: Sessions,
    epochs: u64,
    rooms: u32,
    retention: Retention,
    session_ttl: Duration,
}

pub(crate) const MAX_UNANSWERED: usize = 8;

impl Engine {
    pub(crate) fn new(random: &mut Random) -> Self {
        let retention = Retention {
            max_messages: [4, 20, 1000][random.below(3)],
            max_bytes: [600, 1 << 20][random.below(2)],
            max_age: Duration::from_secs([3, 300][random.below(2)]),
        };
        let session_ttl = Duration::from_secs([2, 20, 120][random.below(3)]);
        let sessions = Sessions::new(session_ttl, MAX_UNANSWERED, 1000);
        Self {
            logs: BTreeMap::new(),
            sessions,
            epochs: 0,
            rooms: 0,
            retention,
            session_ttl,
        }
    }

    pub(crate) fn log(&mut self, room: &str) -> &mut Log {
        if !self.logs.contains_key(room) {
            self.epochs += 1;
            self.rooms += 1;
            let log = Log::new(RoomNumber(self.rooms), Epoch(self.epochs), self.retention);
            self.logs.insert(room.to_owned(), log);
        }
        self.logs.get_mut(room).expect("just made")
    }

    /// Accepts a publish, or refuses it.
    pub(crate) fn append(
        &mut self,
        now: Instant,
        room: &str,
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
        let position = self.log(room).append(now, sender, payload);
        model.on_accepted(room, position, said)?;
        self.note_evicted(room, model);
        Ok(Ok(position))
    }

    pub(crate) fn evict(&mut self, now: Instant, model: &mut Model) {
        let rooms: Vec<String> = self.logs.keys().cloned().collect();
        for room in rooms {
            self.log(&room).evict(now);
            self.note_evicted(&room, model);
        }
    }

    /// Loses everything. Who loses a log also forgets the sessions that published to it.
    pub(crate) fn lose(&mut self) {
        self.logs.clear();
        self.sessions = Sessions::new(self.session_ttl, MAX_UNANSWERED, 1000);
    }

    pub(crate) fn heads(&self) -> BTreeMap<String, Position> {
        self.logs.iter().map(|(room, log)| (room.clone(), log.head())).collect()
    }

    pub(crate) fn check_bounds(&self) -> Check {
        for (room, log) in &self.logs {
            // One message may be larger than all that is to be kept.
            super::model::ensure(log.bytes() <= self.retention.max_bytes, || {
                format!("{room} keeps {} bytes", log.bytes())
            })?;
        }
        Ok(())
    }

    fn note_evicted(&mut self, room: &str, model: &mut Model) {
        // A subscriber that asks for all there is begins where the log does.
        let begin = self.log(room).cursor(Start::Last(u32::MAX)).position();
        model.on_evicted(room, begin);
    }
}

/// The session id that is drawn for a new session.
pub(crate) fn fresh_session(random: &mut Random) -> SessionId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    SessionId(id)
}
