//! What must hold, checked against a plain model: a list of all that was ever accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tidewire_protocol::{
    Epoch, MemberId, Offset, Position, RoomName,
    client::{PublishError, PublishId, SubscriptionId},
    frame::{Gap, GapCause},
};

use super::coverage::Coverage;

/// A payload's number in a run; it is the payload's text.
pub(crate) type Said = u64;

/// Every message that every life of every log accepted, and what clients were told.
#[derive(Debug, Default)]
pub(crate) struct Model {
    logs: BTreeMap<(String, Epoch), Vec<Said>>,
    /// How much of each log has been evicted, at most.
    evicted: BTreeMap<(String, Epoch), Offset>,
    accepted: BTreeMap<Said, (String, Position)>,
    clients: BTreeMap<usize, ClientModel>,
    pub(crate) coverage: Coverage,
}

#[derive(Debug, Default)]
struct ClientModel {
    subscriptions: BTreeMap<SubscriptionId, Reader>,
    publishes: BTreeMap<PublishId, Said>,
    /// Where its last publish in each log was.
    last: BTreeMap<(String, Epoch), Offset>,
    told: BTreeSet<PublishId>,
}

#[derive(Debug)]
struct Reader {
    room: String,
    position: Option<Position>,
    is_paused: bool,
    presence: Told,
}

/// What a subscriber was told of who is there.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Nothing is to be told.
    Nothing,
    /// A list is to come.
    Some(BTreeSet<MemberId>),
    All(BTreeSet<MemberId>),
}

/// A promise that was broken, in words.
pub(crate) type Check = Result<(), String>;

impl Model {
    /// The engine accepted a message.
    pub(crate) fn on_accepted(&mut self, room: &str, position: Position, said: Said) -> Check {
        let log = self.logs.entry((room.to_owned(), position.epoch)).or_default();
        log.push(said);
        ensure(log.len() as u64 == position.offset.0, || {
            format!("{room} has a hole before {position:?}")
        })?;
        match self.accepted.insert(said, (room.to_owned(), position)) {
            Some(first) => Err(format!("{said} was accepted at {first:?} and again at {position:?}")),
            None => Ok(()),
        }
    }

    /// A log let go of everything up to this position.
    pub(crate) fn on_evicted(&mut self, room: &str, position: Position) {
        self.evicted.insert((room.to_owned(), position.epoch), position.offset);
    }

    pub(crate) fn on_subscribe(&mut self, client: usize, id: SubscriptionId, room: &str, presence: bool) {
        let reader = Reader {
            room: room.to_owned(),
            position: None,
            is_paused: false,
            presence: if presence {
                Told::Some(BTreeSet::new())
            } else {
                Told::Nothing
            },
        };
        self.clients.entry(client).or_default().subscriptions.insert(id, reader);
    }

    pub(crate) fn on_unsubscribe(&mut self, client: usize, id: SubscriptionId) {
        self.clients.entry(client).or_default().subscriptions.remove(&id);
    }

    /// A user does not take what comes, or takes it again.
    pub(crate) fn on_pause(&mut self, client: usize, id: SubscriptionId, is_paused: bool) {
        let client = self.clients.entry(client).or_default();
        if let Some(reader) = client.subscriptions.get_mut(&id) {
            reader.is_paused = is_paused;
        }
    }

    /// The rooms that a client's user is in, how far it has come, and whether it wants to know who is there.
    pub(crate) fn places(&self, client: usize) -> BTreeMap<SubscriptionId, (RoomName, Option<Position>, bool)> {
        let subscriptions = self.clients.get(&client).into_iter().flat_map(|it| &it.subscriptions);
        let places = subscriptions.filter_map(|(id, reader)| {
            let room = RoomName::new(&reader.room).ok()?;
            Some((*id, (room, reader.position, reader.presence != Told::Nothing)))
        });
        places.collect()
    }

    /// A client's page has gone: it is told nothing more. What it was not told of its publishes, in order.
    pub(crate) fn on_gone(&mut self, client: usize) -> Vec<Said> {
        let client = self.clients.entry(client).or_default();
        client.subscriptions.clear();
        let told = std::mem::take(&mut client.told);
        let publishes = std::mem::take(&mut client.publishes).into_iter();
        publishes
            .filter(|(id, _)| !told.contains(id))
            .map(|(_, said)| said)
            .collect()
    }

    /// Another page has taken over what one had published: all that was not told, and nothing else.
    pub(crate) fn on_restored(&mut self, client: usize, restored: Vec<(PublishId, Said)>, left: &[Said]) -> Check {
        self.coverage.restored += restored.len() as u64;
        let said: Vec<Said> = restored.iter().map(|(_, said)| *said).collect();
        ensure(said == left, || {
            format!("client {client} goes on with {said:?}, and {left:?} were left")
        })?;
        self.clients.entry(client).or_default().publishes.extend(restored);
        Ok(())
    }

    /// A subscription of a page goes on where that of the page before had come to.
    pub(crate) fn goes_on(&mut self, client: usize, id: SubscriptionId, position: Option<Position>) {
        let client = self.clients.entry(client).or_default();
        if let Some(reader) = client.subscriptions.get_mut(&id) {
            reader.position = position;
        }
    }

    /// A client has ended: it is told nothing more.
    pub(crate) fn on_closed(&mut self, client: usize) {
        self.clients.entry(client).or_default().subscriptions.clear();
    }

    pub(crate) fn on_subscribed(&mut self, client: usize, id: SubscriptionId, position: Position) -> Check {
        let reader = self.reader(client, id)?;
        if reader.presence != Told::Nothing {
            reader.presence = Told::Some(BTreeSet::new());
        }
        let before = reader.position.replace(position);
        ensure(before.is_none_or(|before| before == position), || {
            format!("client {client} resumed at {position:?}, but had come to {before:?}")
        })
    }

    /// Promise 1: in order, each once, nothing skipped.
    pub(crate) fn on_message(&mut self, client: usize, id: SubscriptionId, offset: Offset, said: Said) -> Check {
        self.coverage.messages += 1;
        let reader = self.reader(client, id)?;
        let Some(position) = &mut reader.position else {
            return Err("a message before subscribed".into());
        };
        ensure(offset == position.offset.next(), || {
            format!("client {client}: {offset:?} after {position:?}")
        })?;
        position.offset = offset;
        let (room, epoch) = (reader.room.clone(), position.epoch);
        let accepted = self
            .logs
            .get(&(room, epoch))
            .and_then(|log| log.get(offset.0 as usize - 1))
            .copied();
        ensure(accepted == Some(said), || {
            format!("client {client}: {said} at {offset:?}, where {accepted:?} is")
        })
    }

    /// Promise 1: a gap names what is missing, and it is missing indeed.
    pub(crate) fn on_gap(&mut self, client: usize, id: SubscriptionId, gap: &Gap) -> Check {
        match gap.cause {
            GapCause::Evicted => self.coverage.gaps_evicted += 1,
            GapCause::LogLost => self.coverage.gaps_lost += 1,
        }
        let reader = self.reader(client, id)?;
        let Some(position) = reader.position.replace(gap.resume) else {
            return Err("a gap before subscribed".into());
        };
        let room = reader.room.clone();
        ensure(gap.from == position.offset.next(), || {
            format!("{gap:?} does not follow {position:?}")
        })?;
        match gap.cause {
            GapCause::Evicted => {
                let evicted = self.evicted.get(&(room, position.epoch)).copied().unwrap_or_default();
                ensure(
                    gap.resume.epoch == position.epoch && gap.resume.offset <= evicted,
                    || format!("{gap:?}, but only {evicted:?} was evicted"),
                )
            }
            GapCause::LogLost => ensure(gap.resume.epoch != position.epoch, || {
                format!("{gap:?} within one epoch")
            }),
        }
    }

    pub(crate) fn on_publish(&mut self, client: usize, id: PublishId, said: Said) {
        self.clients.entry(client).or_default().publishes.insert(id, said);
    }

    /// Promise 2: a confirmed publish is in the log, where it was said to be, after those before it.
    pub(crate) fn on_published(&mut self, client: usize, id: PublishId, position: Position) -> Check {
        self.coverage.published += 1;
        let said = self.tell(client, id)?;
        let Some((room, accepted)) = self.accepted.get(&said).cloned() else {
            return Err(format!("{said} was confirmed and never accepted"));
        };
        ensure(accepted == position, || {
            format!("{said} was confirmed at {position:?}, and is at {accepted:?}")
        })?;
        let client = self.clients.entry(client).or_default();
        let last = client.last.insert((room, position.epoch), position.offset);
        ensure(last.is_none_or(|last| last < position.offset), || {
            format!("{said} is before what was said before it")
        })
    }

    /// Promise 2: what failed was not accepted, unless it was said to be unknown.
    pub(crate) fn on_publish_failed(&mut self, client: usize, id: PublishId, error: PublishError) -> Check {
        let said = self.tell(client, id)?;
        match error {
            PublishError::Refused(_) => self.coverage.refused += 1,
            PublishError::Expired => self.coverage.expired += 1,
            PublishError::Unconfirmed => {
                self.coverage.unconfirmed += 1;
                return Ok(());
            }
            _ => {}
        }
        ensure(!self.accepted.contains_key(&said), || {
            format!("{said} failed with {error:?}, but was accepted")
        })
    }

    /// Quiet networks converge: everybody has everything, and every publish was answered.
    pub(crate) fn check_converged(&self, heads: &BTreeMap<String, Position>) -> Check {
        for (number, client) in &self.clients {
            for (id, reader) in &client.subscriptions {
                let head = heads.get(&reader.room).copied();
                ensure(reader.position == head, || {
                    format!(
                        "client {number} {id:?} stayed at {:?}, and {} is at {head:?}",
                        reader.position, reader.room
                    )
                })?;
            }
            let silent: Vec<_> = client.publishes.keys().filter(|id| !client.told.contains(id)).collect();
            ensure(silent.is_empty(), || {
                format!("client {number} never heard of {silent:?}")
            })?;
        }
        Ok(())
    }

    /// A client is known to others by one name for as long as it is who it is.
    pub(crate) fn on_opened(&mut self, client: usize, told: &MemberId, member: &MemberId) -> Check {
        ensure(told == member, || format!("client {client} is called {told:?}"))
    }

    /// A round trip takes no longer than it did.
    pub(crate) fn on_round_trip(&mut self, client: usize, time: Duration, most: Option<Duration>) -> Check {
        self.coverage.round_trips += 1;
        ensure(most.is_some_and(|most| time <= most), || {
            format!("client {client}: a round trip took {time:?}, of {most:?}")
        })
    }

    pub(crate) fn on_signal(&mut self, client: usize, id: SubscriptionId, is_of_others: bool) -> Check {
        self.coverage.signals += 1;
        self.reader(client, id)?;
        ensure(is_of_others, || format!("client {client} hears its own signal"))
    }

    pub(crate) fn on_joined(&mut self, client: usize, id: SubscriptionId, who: &MemberId) -> Check {
        let is_new = self.told(client, id)?.insert(who.clone());
        ensure(is_new, || format!("client {client}: {who:?} joined, but was there"))
    }

    pub(crate) fn on_left(&mut self, client: usize, id: SubscriptionId, who: &MemberId) -> Check {
        let was_there = self.told(client, id)?.remove(who);
        ensure(was_there, || {
            format!("client {client}: {who:?} left, but was not there")
        })
    }

    /// Who is there, for a client that was told all.
    fn told(&mut self, client: usize, id: SubscriptionId) -> Result<&mut BTreeSet<MemberId>, String> {
        self.coverage.presence_changes += 1;
        match &mut self.reader(client, id)?.presence {
            Told::All(there) => Ok(there),
            told => Err(format!("client {client} is told of a change to {told:?}")),
        }
    }

    pub(crate) fn on_present(&mut self, client: usize, id: SubscriptionId, some: Vec<MemberId>, more: bool) -> Check {
        self.coverage.presence_lists += 1;
        let told = &mut self.reader(client, id)?.presence;
        let mut there = match std::mem::replace(told, Told::Nothing) {
            Told::Some(there) => there,
            Told::All(_) => BTreeSet::new(),
            Told::Nothing => return Err(format!("client {client} did not ask who is there")),
        };
        there.extend(some);
        *told = if more { Told::Some(there) } else { Told::All(there) };
        Ok(())
    }

    /// All who asked for it know who is in a room.
    pub(crate) fn check_present(&self, room: &str, there: &BTreeSet<MemberId>) -> Check {
        for (number, client) in &self.clients {
            for reader in client.subscriptions.values().filter(|reader| reader.room == room) {
                let is_known = match &reader.presence {
                    Told::Nothing => true,
                    Told::Some(_) => false,
                    Told::All(told) => told == there,
                };
                ensure(is_known, || {
                    format!(
                        "client {number} was told {:?}, and {there:?} are in {room}",
                        reader.presence
                    )
                })?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, client: usize, id: PublishId) -> Result<Said, String> {
        let model = self.clients.entry(client).or_default();
        let said = *model
            .publishes
            .get(&id)
            .ok_or_else(|| format!("client {client}: {id:?} was never published"))?;
        ensure(model.told.insert(id), || {
            format!("client {client} was told twice of {id:?}")
        })?;
        Ok(said)
    }

    /// What is told is told to a subscription that there is, and that takes it.
    fn reader(&mut self, client: usize, id: SubscriptionId) -> Result<&mut Reader, String> {
        let model = self.clients.entry(client).or_default();
        match model.subscriptions.get_mut(&id) {
            Some(reader) if !reader.is_paused => Ok(reader),
            Some(_) => Err(format!("client {client} does not take what {id:?} brings")),
            None => Err(format!("client {client} has no {id:?}")),
        }
    }
}

pub(crate) fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(broken()) }
}
