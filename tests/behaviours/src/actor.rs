//! A client in a room, as behaviours use it.

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, ClientState, CloseCode, MemberId, OwnedPayload, Position, PublishErrorCause, Publishing,
    Room, RoomEvent, RoomEvents, SubscribeOptions,
};

use crate::Stage;

/// A client that is subscribed to a room, with presence.
pub(crate) struct Actor {
    pub(crate) client: Client,
    pub(crate) room: Room,
    pub(crate) events: RoomEvents,
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) position: Position,
    pub(crate) sender: Option<MemberId>,
    pub(crate) text: String,
}

impl Actor {
    /// One whose subscription to `lobby` has begun.
    pub(crate) async fn enter(stage: &impl Stage, url: &str) -> Self {
        Self::enter_with(stage, url, stage.options()).await
    }

    /// The same, with options.
    pub(crate) async fn enter_with(stage: &impl Stage, url: &str, options: ClientOptions) -> Self {
        let client = Client::connect(url, options).expect("an address");
        let room = client.room(LOBBY).expect("a name");
        let events = room
            .subscribe(SubscribeOptions::default().presence(true))
            .expect("once");
        let mut actor = Self { client, room, events };
        let begun = actor.event(stage).await;
        assert!(matches!(begun, RoomEvent::Subscribed(_)), "{begun:?}");
        actor
    }

    /// Its next event.
    pub(crate) async fn event(&mut self, stage: &impl Stage) -> RoomEvent {
        let event = stage.within("event", self.events.next()).await;
        event.expect("the subscription goes on")
    }

    /// Its next message; nothing that breaks the order may come before.
    pub(crate) async fn hear(&mut self, stage: &impl Stage) -> Heard {
        loop {
            match self.event(stage).await {
                RoomEvent::Message {
                    position,
                    sender,
                    payload: OwnedPayload::Text(text),
                } => {
                    let text = text.into();
                    return Heard { position, sender, text };
                }
                RoomEvent::Subscribed(_) | RoomEvent::Present(_) | RoomEvent::Joined(_) | RoomEvent::Left(_) => {}
                other => panic!("{other:?} where a message was expected"),
            }
        }
    }

    /// Its next messages' texts.
    pub(crate) async fn texts(&mut self, stage: &impl Stage, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.hear(stage).await.text);
        }
        texts
    }

    /// Its next event that tells who is there.
    pub(crate) async fn presence(&mut self, stage: &impl Stage) -> RoomEvent {
        loop {
            let event = self.event(stage).await;
            if matches!(event, RoomEvent::Present(_) | RoomEvent::Joined(_) | RoomEvent::Left(_)) {
                return event;
            }
        }
    }

    /// Who it is to others.
    pub(crate) fn member(&self) -> MemberId {
        self.client.member().expect("it was welcomed")
    }

    /// Publishes, and waits until it was accepted.
    pub(crate) async fn say(&self, stage: &impl Stage, text: &str) -> Position {
        accepted(stage, self.room.publish(text)).await
    }

    /// Waits for the end, and with which code it came.
    pub(crate) async fn ended(&self, stage: &impl Stage) -> CloseCode {
        let mut states = self.client.states();
        let ended = async {
            loop {
                if let Some(ClientState::Closed(code)) = states.next().await {
                    return code;
                }
            }
        };
        stage.within("end", ended).await
    }
}

/// Waits until a publish was accepted.
pub(crate) async fn accepted(stage: &impl Stage, publishing: Publishing) -> Position {
    let outcome = stage.within("answer to a publish", publishing).await;
    outcome.unwrap_or_else(|error| panic!("{error:?} where a publish was to be accepted"))
}

/// Waits until a publish was given back, and says why. What is given back is what was said.
pub(crate) async fn given_back(stage: &impl Stage, room: &Room, text: &str) -> PublishErrorCause {
    let outcome = stage.within("answer to a publish", room.publish(text)).await;
    let error = outcome.expect_err("it is not to be accepted");
    assert_eq!(error.payload, text.into());
    error.cause
}

/// These numbers as they are said.
pub(crate) fn numbers(range: core::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// The room of them all.
pub(crate) const LOBBY: &str = "lobby";
