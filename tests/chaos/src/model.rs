//! What must hold, checked against a plain model: a list of all that was ever seen or confirmed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidewire_client::{Epoch, Gap, GapCause, Offset, Position};

/// A message of the run, which is said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) client: u32,
    /// Its client's messages count from 0.
    pub(super) number: u32,
}

/// Where a subscription is.
#[derive(Debug)]
pub(super) struct Reader {
    client: usize,
    room: String,
    position: Option<Position>,
    gaps: u32,
}

/// All logs that there were, as far as anybody saw them.
#[derive(Debug, Default)]
pub(super) struct Model {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<String, Room>,
    unconfirmed: BTreeSet<Said>,
    /// How often logs were lost.
    losses: u32,
    /// Whether nobody may have missed anything of them.
    is_graceful: bool,
}

#[derive(Debug, Default)]
struct Room {
    logs: BTreeMap<Epoch, Log>,
    /// Where each subscriber is.
    readers: BTreeMap<usize, Option<Position>>,
    /// How far subscribers had come in logs that were lost.
    ends: BTreeMap<Epoch, BTreeSet<Offset>>,
}

#[derive(Debug, Default)]
struct Log {
    /// By offset; ends are nothing said.
    messages: BTreeMap<u64, Option<Said>>,
    /// What was confirmed, which need not be what anybody saw.
    confirmed: BTreeMap<u64, Said>,
}

type Check = Result<(), String>;

impl Said {
    pub(super) fn text(self) -> String {
        format!("{} {}", self.client, self.number)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (client, number) = text.split_once(' ')?;
        Some(Self {
            client: client.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl Model {
    /// A subscription of `client` in a room.
    pub(super) fn reader(&self, client: usize, room: &str) -> Reader {
        let room = room.to_owned();
        let mut state = self.lock();
        state
            .rooms
            .entry(room.clone())
            .or_default()
            .readers
            .insert(client, None);
        Reader {
            client,
            room,
            position: None,
            gaps: 0,
        }
    }

    /// The server loses all logs; where it does so as it should, everybody has had all that was in them.
    pub(super) fn on_log_lost(&self, is_graceful: bool) {
        let mut state = self.lock();
        state.losses += 1;
        state.is_graceful = is_graceful;
    }

    pub(super) fn on_subscribed(&self, reader: &mut Reader, position: Position) -> Check {
        let before = reader.position;
        self.advance(reader, position);
        ensure(before.is_none_or(|it| it == position), || {
            format!("{reader:?} goes on there, and was at {before:?}")
        })
    }

    /// In order, each once, nothing skipped, and the same for all.
    pub(super) fn on_message(&self, reader: &mut Reader, position: Position, said: Option<Said>) -> Check {
        let before = reader.position;
        let is_next = before.is_some_and(|it| it.epoch == position.epoch && it.offset.next() == position.offset);
        ensure(is_next, || format!("{reader:?} was told of {position:?}"))?;
        self.advance(reader, position);
        let mut state = self.lock();
        let log = state.log(&reader.room, position.epoch);
        let first = *log.messages.entry(position.offset.0).or_insert(said);
        ensure(first == said, || {
            format!("{reader:?} got {said:?}, and another {first:?}")
        })
    }

    /// Only a lost log is a reason for a gap here, once for each loss, and the new log follows from its beginning.
    pub(super) fn on_gap(&self, reader: &mut Reader, gap: &Gap) -> Check {
        let before = reader.position;
        reader.gaps += 1;
        if let Some(end) = before {
            let mut state = self.lock();
            let room = state.rooms.entry(reader.room.clone()).or_default();
            room.ends.entry(end.epoch).or_default().insert(end.offset);
        }
        self.advance(reader, gap.resume);
        let is_explained = reader.gaps <= self.lock().losses
            && gap.cause == GapCause::LogLost
            && gap.resume.offset.0 == 0
            && before.is_some_and(|it| gap.from == it.offset.next() && gap.resume.epoch != it.epoch);
        ensure(is_explained, || format!("{reader:?} was at {before:?} and got {gap:?}"))
    }

    pub(super) fn on_confirmed(&self, room: &str, position: Position, said: Said) -> Check {
        let mut state = self.lock();
        let first = state
            .log(room, position.epoch)
            .confirmed
            .insert(position.offset.0, said);
        ensure(first.is_none(), || {
            format!("{said:?} and {first:?} are both at {position:?}")
        })
    }

    /// Where the log was lost, its publishers may not know what had come of their messages.
    pub(super) fn on_unconfirmed(&self, said: Said) -> Check {
        let mut state = self.lock();
        let is_new = state.unconfirmed.insert(said);
        ensure(state.losses > 0 && !state.is_graceful && is_new, || {
            format!("{said:?} is unconfirmed for no reason")
        })
    }

    /// What holds in the end: each message is in one place, those of a client are in its order, and what was confirmed is
    /// there.
    pub(super) fn check(&self) -> Check {
        let state = self.lock();
        for (name, room) in &state.rooms {
            let mut seen = BTreeSet::new();
            let newest = room.readers.values().flatten().next();
            for (epoch, log) in &room.logs {
                log.check(&mut seen)
                    .map_err(|error| format!("{name}, {epoch:?}: {error}"))?;
                let is_lost = newest.is_none_or(|it| it.epoch != *epoch);
                if is_lost && state.is_graceful {
                    room.check_end(*epoch, log)
                        .map_err(|error| format!("{name}, {epoch:?}: {error}"))?;
                }
                let mut missing = log.confirmed.keys().filter(|offset| !log.messages.contains_key(offset));
                let missing = missing.next();
                ensure(is_lost || missing.is_none(), || {
                    format!("{name}: nobody saw {missing:?}, which was confirmed")
                })?;
            }
            let places: BTreeSet<_> = room
                .readers
                .values()
                .map(|it| it.map(|it| (it.epoch, it.offset)))
                .collect();
            ensure(places.len() == 1, || format!("{name}: subscribers ended at {places:?}"))?;
        }
        Ok(())
    }

    /// Who is where, for a run that does not end.
    pub(super) fn behind(&self) -> String {
        let state = self.lock();
        let mut lines = Vec::new();
        for (name, room) in &state.rooms {
            let head = room.readers.values().flatten().map(|it| it.offset).max();
            let behind = room.readers.iter().filter(|(_, it)| it.map(|it| it.offset) != head);
            let behind: Vec<_> = behind.map(|(client, it)| (client, it.map(|it| it.offset.0))).collect();
            lines.push(format!("{name}: {head:?} was reached, but not by {behind:?}"));
        }
        lines.join("; ")
    }

    fn advance(&self, reader: &mut Reader, position: Position) {
        reader.position = Some(position);
        let mut state = self.lock();
        let room = state.rooms.entry(reader.room.clone()).or_default();
        room.readers.insert(reader.client, Some(position));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn log(&mut self, room: &str, epoch: Epoch) -> &mut Log {
        let room = self.rooms.entry(room.to_owned()).or_default();
        room.logs.entry(epoch).or_default()
    }
}

impl Room {
    /// All that was in a log that was lost was heard by all.
    fn check_end(&self, epoch: Epoch, log: &Log) -> Check {
        let ends: Vec<u64> = self.ends.get(&epoch).into_iter().flatten().map(|end| end.0).collect();
        let said = log.confirmed.keys().chain(log.messages.keys()).max().copied();
        ensure(ends == [said.unwrap_or_default()], || {
            format!("subscribers had come to {ends:?} of {said:?}")
        })
    }
}

impl Log {
    fn check(&self, seen: &mut BTreeSet<Said>) -> Check {
        let mut last = BTreeMap::new();
        for (offset, said) in &self.messages {
            let Some(said) = *said else { continue };
            ensure(seen.insert(said), || {
                format!("{said:?} is there twice, at last at {offset}")
            })?;
            let before = last.insert(said.client, said.number);
            ensure(before.is_none_or(|it| it < said.number), || {
                format!("{said:?} at {offset} comes after {before:?}")
            })?;
            let confirmed = self.confirmed.get(offset);
            ensure(confirmed.is_none_or(|it| *it == said), || {
                format!("{said:?} is at {offset}, where {confirmed:?} was confirmed")
            })?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn at(epoch: u64, offset: u64) -> Position {
        Position {
            epoch: Epoch(epoch),
            offset: Offset(offset),
        }
    }

    fn said(client: u32, number: u32) -> Option<Said> {
        Some(Said { client, number })
    }

    /// A model with two subscribers of room 0, both at the beginning.
    fn two() -> (Model, Reader, Reader) {
        let model = Model::default();
        let (mut ann, mut bob) = (model.reader(0, "room 0"), model.reader(1, "room 0"));
        model.on_subscribed(&mut ann, at(1, 0)).expect("the first time");
        model.on_subscribed(&mut bob, at(1, 0)).expect("the first time");
        (model, ann, bob)
    }

    #[test]
    fn what_is_lost_doubled_or_changed_is_noticed_at_once() {
        let (model, mut ann, mut bob) = two();
        model.on_message(&mut ann, at(1, 1), said(0, 0)).expect("the next");
        for wrong in [at(1, 1), at(1, 3), at(2, 2)] {
            let mut ann = Reader {
                room: ann.room.clone(),
                ..ann
            };
            assert!(model.on_message(&mut ann, wrong, said(0, 1)).is_err(), "{wrong:?}");
        }
        assert!(
            model.on_message(&mut bob, at(1, 1), said(0, 7)).is_err(),
            "ann got another"
        );
        let (model, mut ann, _) = two();
        assert!(
            model.on_subscribed(&mut ann, at(1, 1)).is_err(),
            "a message was skipped"
        );
    }

    #[test]
    fn a_gap_needs_a_lost_log_for_each_and_goes_on_from_a_new_beginning() {
        let lost = |from, resume| Gap {
            room: tidewire_protocol::RoomNumber(1),
            cause: GapCause::LogLost,
            from: Offset(from),
            resume,
        };
        let (model, mut ann, mut bob) = two();
        assert!(model.on_gap(&mut ann, &lost(1, at(2, 0))).is_err(), "nothing was lost");
        model.on_log_lost(false);
        assert!(
            model.on_gap(&mut bob, &lost(2, at(2, 0))).is_err(),
            "it had not come so far"
        );
        let (model, mut ann, mut bob) = two();
        model.on_log_lost(false);
        assert!(
            model.on_gap(&mut bob, &lost(1, at(2, 1))).is_err(),
            "one of the new log is missing"
        );
        model.on_gap(&mut ann, &lost(1, at(2, 0))).expect("explained");
        assert!(model.on_gap(&mut ann, &lost(1, at(3, 0))).is_err(), "lost once");
    }

    #[test]
    fn what_was_reordered_doubled_or_confirmed_elsewhere_is_noticed_in_the_end() {
        let outcome = |messages: [(u32, u32); 2], confirmed: u32| {
            let (model, mut ann, mut bob) = two();
            for (offset, (client, number)) in (1..).zip(messages) {
                for reader in [&mut ann, &mut bob] {
                    model
                        .on_message(reader, at(1, offset), said(client, number))
                        .expect("the next");
                }
            }
            let confirmed = Said {
                client: 0,
                number: confirmed,
            };
            model.on_confirmed("room 0", at(1, 1), confirmed).expect("once");
            model.check()
        };
        assert_eq!(outcome([(0, 1), (0, 2)], 1), Ok(()));
        assert!(outcome([(0, 2), (0, 1)], 2).is_err());
        assert!(outcome([(0, 1), (0, 1)], 1).is_err());
        assert!(outcome([(0, 1), (0, 2)], 2).is_err());
    }

    #[test]
    fn what_was_confirmed_and_never_seen_or_seen_by_one_alone_is_noticed_in_the_end() {
        let (model, mut ann, _) = two();
        model.on_message(&mut ann, at(1, 1), said(0, 0)).expect("the next");
        assert!(model.check().expect_err("bob misses it").contains("ended at"));
        let (model, ..) = two();
        model
            .on_confirmed("room 0", at(1, 1), Said { client: 0, number: 0 })
            .expect("once");
        assert!(model.check().expect_err("nobody has it").contains("nobody saw"));
    }

    #[test]
    fn where_a_log_ends_as_it_should_all_must_have_all_of_it_and_an_answer() {
        let lost = |from, epoch| Gap {
            room: tidewire_protocol::RoomNumber(1),
            cause: GapCause::LogLost,
            from: Offset(from),
            resume: at(epoch, 0),
        };
        for (bob_hears, is_good) in [(true, true), (false, false)] {
            let (model, mut ann, mut bob) = two();
            model.on_message(&mut ann, at(1, 1), said(0, 0)).expect("the next");
            if bob_hears {
                model.on_message(&mut bob, at(1, 1), said(0, 0)).expect("the next");
            }
            model.on_log_lost(true);
            model.on_gap(&mut ann, &lost(2, 2)).expect("explained");
            model
                .on_gap(&mut bob, &lost(1 + u64::from(bob_hears), 2))
                .expect("explained");
            assert_eq!(model.check().is_ok(), is_good);
        }
        let (model, ..) = two();
        model.on_log_lost(true);
        assert!(model.on_unconfirmed(Said { client: 0, number: 0 }).is_err());
    }
}
