//! One client: what it says, what it is told, and what it makes of it.

use std::{
    collections::VecDeque,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
};

use futures_util::{
    StreamExt,
    future::{Either, select},
};
use tidewire_client::{
    Client, OwnedPayload, PublishErrorCause, Publishing, Room, RoomEvent, RoomEvents, SubscribeOptions,
};

use crate::{
    Chaos, World, all,
    model::{Reader, Said},
};

/// A client in two rooms.
pub(super) struct Member {
    talker: Talker,
    listeners: Pin<Box<dyn Future<Output = Result<(), String>>>>,
}

/// What publishes for it.
struct Talker {
    number: usize,
    client: Client,
    rooms: Vec<Room>,
    unanswered: usize,
    world: Arc<World>,
    next: u32,
}

impl Member {
    /// It is in the rooms of its number and of the one after that.
    pub(super) fn connect(number: usize, chaos: &Chaos, url: &str, world: &Arc<World>) -> Result<Self, String> {
        let client = Client::connect(url, (chaos.options)(number)).map_err(|error| error.to_string())?;
        let (mut rooms, mut listeners) = (Vec::new(), Vec::new());
        for number_of_room in [number % chaos.rooms, (number + 1) % chaos.rooms] {
            let name = format!("room {number_of_room}");
            let room = client.room(&name).map_err(|it| it.to_string())?;
            let events = room
                .subscribe(SubscribeOptions::default())
                .map_err(|it| it.to_string())?;
            // Each that has it as its first room will say the end there.
            let ends = (number_of_room..chaos.clients).step_by(chaos.rooms).count();
            let reader = world.model.reader(number, &name);
            listeners.push(listen(events, reader, ends, Arc::clone(world)));
            rooms.push(room);
        }
        Ok(Self {
            talker: Talker {
                number,
                client,
                rooms,
                unanswered: chaos.unanswered,
                world: Arc::clone(world),
                next: 0,
            },
            listeners: Box::pin(all(listeners)),
        })
    }

    /// Publishes until enough was said and all of it was answered, and listens all the while.
    pub(super) async fn talk(&mut self) -> Result<(), String> {
        match select(pin!(self.talker.talk()), &mut self.listeners).await {
            Either::Left((talked, _)) => talked,
            Either::Right((Ok(()), _)) => Err("the end came before anybody had said it".into()),
            Either::Right((Err(broken), _)) => Err(broken),
        }
    }

    /// Says that nothing follows, in the room that is its own.
    pub(super) async fn say_end(&self) -> Result<(), String> {
        let Talker { number, rooms, .. } = &self.talker;
        match rooms[0].publish(END).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("client {number}: the end failed: {error}")),
        }
    }

    /// Waits until it was told all that was said.
    pub(super) async fn listened(self) -> Result<(), String> {
        self.listeners.await?;
        self.talker.client.close().await;
        Ok(())
    }
}

impl Talker {
    async fn talk(&mut self) -> Result<(), String> {
        let mut outcomes = VecDeque::new();
        while !self.world.is_enough.load(Ordering::Relaxed) {
            outcomes.push_back(self.say());
            if outcomes.len() == self.unanswered
                && let Some((room, said, outcome)) = outcomes.pop_front()
            {
                self.hear(room, said, outcome).await?;
            }
        }
        for (room, said, outcome) in outcomes {
            self.hear(room, said, outcome).await?;
        }
        Ok(())
    }

    fn say(&mut self) -> (usize, Said, Publishing) {
        let said = Said {
            client: self.number as u32,
            number: self.next,
        };
        self.next += 1;
        let index = said.number as usize % self.rooms.len();
        self.world.count(|it| it.published += 1);
        (index, said, self.rooms[index].publish(said.text()))
    }

    async fn hear(&self, index: usize, said: Said, outcome: Publishing) -> Result<(), String> {
        let room = self.rooms[index].name().as_str();
        match outcome.await {
            Ok(position) => {
                self.world.count(|it| it.confirmed += 1);
                self.world.model.on_confirmed(room, position, said)
            }
            Err(error) if error.cause == PublishErrorCause::Unconfirmed => {
                self.world.count(|it| it.unconfirmed += 1);
                self.world.model.on_unconfirmed(said)
            }
            Err(error) => Err(format!("{said:?} failed: {error}")),
        }
    }
}

/// Checks all that it is told, until the end was said so often.
async fn listen(mut events: RoomEvents, mut reader: Reader, mut ends: usize, world: Arc<World>) -> Result<(), String> {
    while ends > 0 {
        match events.next().await {
            Some(RoomEvent::Subscribed(position)) => world.model.on_subscribed(&mut reader, position)?,
            Some(RoomEvent::Message { position, payload, .. }) => {
                world.count(|it| it.deliveries += 1);
                let OwnedPayload::Text(text) = payload else {
                    return Err(format!("{reader:?}: bytes at {position:?}"));
                };
                ends -= usize::from(&*text == END);
                world.model.on_message(&mut reader, position, Said::parse(&text))?;
            }
            Some(RoomEvent::Gap(gap)) => {
                world.count(|it| it.gaps += 1);
                world.model.on_gap(&mut reader, &gap)?;
            }
            other => return Err(format!("{reader:?} was told {other:?}")),
        }
    }
    Ok(())
}

/// What each member says last, in the room that is its own.
const END: &str = "end";
