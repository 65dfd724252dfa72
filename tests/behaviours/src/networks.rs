//! Any network: the first message comes soon, and a session that moves down to polls and up again loses and doubles nothing.

use std::collections::VecDeque;

use tidewire_client::{ClientOptions, Publishing};

use crate::{
    Rules, Setting, Stage, Traffic,
    actor::{Actor, LOBBY, accepted},
};

/// The first message is heard, of a client with the options that it has by default. Where there are several servers, they
/// are asked in turn.
pub async fn first_message(stage: &mut impl Stage, setting: Setting) {
    let url = stage.start(setting).await;
    let mut ann = Actor::enter_with(stage, &url, ClientOptions::default()).await;
    let outcome = ann.room.publish("through");
    assert_eq!(ann.hear(stage).await.text, "through");
    accepted(stage, outcome).await;
}

/// A client and the server say 2,000 messages each, and more, while the way between them becomes bad by these rules, and good
/// again, three times over. Returns how many there were each way.
pub async fn each_way_with_moves(stage: &mut impl Stage, bad: Setting) -> u64 {
    let rules = Rules::default();
    let url = stage.start(Setting { rules, ..bad }).await;
    let mut talk = Talk::begin(Actor::enter(stage, &url).await);
    for round in 1..=ROUNDS {
        let before = stage.traffic().await;
        stage.set(bad.rules).await;
        if bad.rules.idle_ms.is_some() {
            be_silent(stage, before.idle).await;
        }
        let is_down = |now: Traffic| bad.rules.let_websockets_pass() || now.polls > before.polls;
        talk.until(stage, (2 * round - 1) * EACH_WAY / (2 * ROUNDS), is_down)
            .await;
        stage.set(rules).await;
        let is_up = |now: Traffic| now.websockets > before.websockets;
        talk.until(stage, round * EACH_WAY / ROUNDS, is_up).await;
    }
    talk.end(stage).await
}

/// Nobody says anything until that has been too long.
async fn be_silent(stage: &mut impl Stage, before: u64) {
    let mut looks = 0;
    while stage.traffic().await.idle == before {
        looks += 1;
        assert!(looks < MOST_LOOKS, "nothing is ended for being idle");
    }
}

/// What a client and the server say at the same time, and what the client hears.
struct Talk {
    actor: Actor,
    under_way: VecDeque<Publishing>,
    /// How much either has said,
    said: u64,
    /// and of that was heard: of the client, and of the server.
    heard: [u64; 2],
    offset: u64,
}

impl Talk {
    fn begin(actor: Actor) -> Self {
        Self {
            actor,
            under_way: VecDeque::new(),
            said: 0,
            heard: [0, 0],
            offset: 0,
        }
    }

    /// Both talk until so much was said, and it is so.
    async fn until(&mut self, stage: &mut impl Stage, enough: u64, is_so: impl Fn(Traffic) -> bool) {
        while self.said < enough {
            self.go_on(stage, SOME).await;
        }
        while !is_so(stage.traffic().await) {
            assert!(self.said < enough + MOST_MORE, "the session does not move");
            self.go_on(stage, 1).await;
        }
    }

    /// Either says some more. What was said before is heard meanwhile, so that there is always something under way.
    async fn go_on(&mut self, stage: &mut impl Stage, some: u64) {
        let from = self.said;
        self.said += some;
        for number in from..self.said {
            self.under_way
                .push_back(self.actor.room.publish(format!("client {number}")));
        }
        stage.say(LOBBY, from..self.said).await;
        while self.under_way.len() > 2 * SOME as usize {
            self.answered(stage).await;
        }
        while self.heard.iter().any(|heard| *heard < from) {
            self.hear(stage).await;
        }
    }

    /// Its next message: each of either comes once, in its place.
    async fn hear(&mut self, stage: &impl Stage) {
        let heard = self.actor.hear(stage).await;
        self.offset += 1;
        assert_eq!(heard.position.offset.0, self.offset, "{heard:?}");
        let [client, server] = &mut self.heard;
        let (who, due) = match heard.sender {
            Some(_) => (client, "client "),
            None => (server, ""),
        };
        assert_eq!(heard.text, format!("{due}{who}"));
        *who += 1;
    }

    async fn answered(&mut self, stage: &impl Stage) {
        if let Some(publishing) = self.under_way.pop_front() {
            accepted(stage, publishing).await;
        }
    }

    async fn end(mut self, stage: &impl Stage) -> u64 {
        while !self.under_way.is_empty() {
            self.answered(stage).await;
        }
        while self.heard != [self.said; 2] {
            self.hear(stage).await;
        }
        self.actor.client.close().await;
        self.said
    }
}

/// How many messages there are at least, each way.
const EACH_WAY: u64 = 2000;
/// How many are said at once, each way.
const SOME: u64 = 25;
/// How often the way becomes bad, and good again.
const ROUNDS: u64 = 3;
/// How many messages more a move may take, each way: it takes seconds to say so many.
const MOST_MORE: u64 = 5000;
/// How often is looked for something that happens once in a second.
const MOST_LOOKS: u64 = 5000;
