//! One client: what it says, what it is told, and what it makes of it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, OwnedPayload, PublishErrorCause, Publishing, Room, RoomEvent, RoomEvents, SubscribeOptions,
};
use tokio::task::JoinHandle;

use super::{
    Chaos, World,
    model::{Reader, Said},
};
use crate::Proxy;

/// A client in two rooms.
pub(super) struct Member {
    number: usize,
    client: Client,
    rooms: Vec<Room>,
    listeners: Vec<JoinHandle<Result<(), String>>>,
    world: Arc<World>,
    next: u32,
}

impl Member {
    /// It is in the rooms of its number and of the one after that.
    pub(super) fn connect(number: usize, chaos: &Chaos, proxy: &Proxy, world: Arc<World>) -> Result<Self, String> {
        let mut options = ClientOptions::default();
        options.backoff.base = Duration::from_millis(20);
        options.backoff.cap = Duration::from_millis(200);
        let url = format!("ws://{}/ws", proxy.address());
        let client = Client::connect(&url, options).map_err(|error| error.to_string())?;
        let mut member = Self {
            number,
            client,
            rooms: Vec::new(),
            listeners: Vec::new(),
            world,
            next: 0,
        };
        for room in [number % chaos.rooms, (number + 1) % chaos.rooms] {
            // Each that has it as its first room will say the end there.
            let ends = (room..chaos.clients).step_by(chaos.rooms).count();
            member.enter(room, ends)?;
        }
        Ok(member)
    }

    fn enter(&mut self, number: usize, ends: usize) -> Result<(), String> {
        let room = self
            .client
            .room(&format!("room {number}"))
            .map_err(|it| it.to_string())?;
        let events = room
            .subscribe(SubscribeOptions::default())
            .map_err(|it| it.to_string())?;
        let reader = self.world.model.reader(self.number, number);
        self.listeners
            .push(tokio::spawn(listen(events, reader, ends, Arc::clone(&self.world))));
        self.rooms.push(room);
        Ok(())
    }

    /// Publishes until enough was said and all of it was answered.
    pub(super) async fn talk(mut self) -> Result<Self, String> {
        let is_enough = self.world.is_enough.subscribe();
        let mut outcomes = VecDeque::new();
        while !*is_enough.borrow() {
            outcomes.push_back(self.say());
            if outcomes.len() == UNANSWERED
                && let Some((room, said, outcome)) = outcomes.pop_front()
            {
                self.hear(room, said, outcome).await?;
            }
        }
        for (room, said, outcome) in outcomes {
            self.hear(room, said, outcome).await?;
        }
        Ok(self)
    }

    fn say(&mut self) -> (usize, Said, Publishing) {
        let said = Said {
            client: self.number as u32,
            number: self.next,
        };
        self.next += 1;
        let index = said.number as usize % self.rooms.len();
        self.world.published.fetch_add(1, Ordering::Relaxed);
        (index, said, self.rooms[index].publish(said.text()))
    }

    async fn hear(&self, index: usize, said: Said, outcome: Publishing) -> Result<(), String> {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let room = self.rooms[index].name().as_str();
        match outcome.await {
            Ok(position) => {
                count(&self.world.confirmed);
                self.world.model.on_confirmed(room, position, said)
            }
            Err(error) if error.cause == PublishErrorCause::Unconfirmed => {
                count(&self.world.unconfirmed);
                self.world.model.on_unconfirmed(said)
            }
            Err(error) => Err(format!("{said:?} failed: {error}")),
        }
    }

    /// Says that nothing follows, in the room that is its own.
    pub(super) async fn say_end(&self) -> Result<(), String> {
        match self.rooms[0].publish(END).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("client {}: the end failed: {error}", self.number)),
        }
    }

    /// Waits until it was told all that was said.
    pub(super) async fn listened(self) -> Result<(), String> {
        for listener in self.listeners {
            listener
                .await
                .map_err(|error| format!("a client panicked: {error}"))??;
        }
        self.client.close().await;
        Ok(())
    }
}

/// Checks all that it is told, until the end was said so often.
async fn listen(mut events: RoomEvents, mut reader: Reader, mut ends: usize, world: Arc<World>) -> Result<(), String> {
    while ends > 0 {
        match events.next().await {
            Some(RoomEvent::Subscribed(position)) => world.model.on_subscribed(&mut reader, position)?,
            Some(RoomEvent::Message { position, payload, .. }) => {
                world.deliveries.fetch_add(1, Ordering::Relaxed);
                let OwnedPayload::Text(text) = payload else {
                    return Err(format!("{reader:?}: bytes at {position:?}"));
                };
                ends -= usize::from(&*text == END);
                world.model.on_message(&mut reader, position, Said::parse(&text))?;
            }
            Some(RoomEvent::Gap(gap)) => {
                world.gaps.fetch_add(1, Ordering::Relaxed);
                world.model.on_gap(&mut reader, &gap)?;
            }
            other => return Err(format!("{reader:?} was told {other:?}")),
        }
    }
    Ok(())
}

/// What each member says last, in the room that is its own.
pub(super) const END: &str = "end";

/// So many publishes of a client are under way.
const UNANSWERED: usize = 32;
