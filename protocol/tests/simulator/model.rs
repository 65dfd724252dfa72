//! What must hold, checked against a plain model: a list of all that was ever accepted.

use std::collections::{BTreeMap, BTreeSet};

use tidewire_protocol::{
    Epoch, Offset, Position,
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

    pub(crate) fn on_subscribe(&mut self, client: usize, id: SubscriptionId, room: &str) {
        let reader = Reader {
            room: room.to_owned(),
            position: None,
        };
        self.clients.entry(client).or_default().subscriptions.insert(id, reader);
    }

    pub(crate) fn on_unsubscribe(&mut self, client: usize, id: SubscriptionId) {
        self.clients.entry(client).or_default().subscriptions.remove(&id);
    }

    pub(crate) fn on_subscribed(&mut self, client: usize, id: SubscriptionId, position: Position) -> Check {
        let reader = self.reader(client, id)?;
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

    fn reader(&mut self, client: usize, id: SubscriptionId) -> Result<&mut Reader, String> {
        let model = self.clients.entry(client).or_default();
        model
            .subscriptions
            .get_mut(&id)
            .ok_or_else(|| format!("client {client} has no {id:?}"))
    }
}

pub(crate) fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(broken()) }
}
