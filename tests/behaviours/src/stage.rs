//! Where behaviours are played: a server of their own, and what befalls the way to it.

use core::{future::Future, ops::Range, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use tidewire_client::{ClientOptions, MemberId};

use crate::Rules;

/// Servers, and a gateway in front of them. Whatever fails on it is a failed test.
pub trait Stage {
    /// What clients are made with in this run: it says which transports they have.
    fn options(&self) -> ClientOptions;

    /// Begins, and says where the gateway's `/ws` is.
    fn start(&mut self, setting: Setting) -> impl Future<Output = String>;

    /// Cuts all connections that are open.
    fn cut(&mut self) -> impl Future<Output = ()>;

    /// The gateway keeps to these rules from now on. WebSockets that they do not let pass are cut, and polls that wait.
    fn set(&mut self, rules: Rules) -> impl Future<Output = ()>;

    /// The server says these numbers in a room, one after another.
    fn say(&mut self, room: &str, numbers: Range<u64>) -> impl Future<Output = ()>;

    /// Another connection takes this member's session over, which has published something, and says `taken over` in a room.
    fn take_over(&mut self, member: &MemberId, room: &str) -> impl Future<Output = ()>;

    /// Another server with the same logs takes the place of the present one, which ends once its clients have gone as they were told to.
    fn drain(&mut self) -> impl Future<Output = ()>;

    /// What has gone through the gateway so far, after a moment in which that could become more.
    fn traffic(&mut self) -> impl Future<Output = Traffic>;

    /// Resolves after this time: for deadlines.
    fn after(&self, time: Duration) -> impl Future<Output = ()>;

    /// Waits for what must come.
    fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> impl Future<Output = T> {
        let deadline = self.after(DEADLINE);
        async move {
            match select(pin!(future), pin!(deadline)).await {
                Either::Left((value, _)) => value,
                Either::Right(_) => panic!("no {what} within {DEADLINE:?}"),
            }
        }
    }
}

/// What the servers and the gateway are like.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// How many servers share the logs. Requests go to each in turn.
    pub servers: usize,
    /// How many messages a room keeps.
    pub room_messages: usize,
    /// The largest payload that is taken.
    pub max_payload_bytes: u32,
    /// How many subscriptions a session may have.
    pub max_subscriptions: u32,
    /// What the gateway does.
    pub rules: Rules,
}

/// What has gone through a gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// WebSockets that were opened,
    pub websockets: u64,
    /// and those that were refused, killed, left to hang or held back.
    pub barred: u64,
    /// Polls that were passed on,
    pub polls: u64,
    /// and those that were answered with something else.
    pub spoiled: u64,
    /// Connections and polls that were ended because nothing passed for too long.
    pub idle: u64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            servers: 1,
            room_messages: 100_000,
            max_payload_bytes: 1000,
            max_subscriptions: 10,
            rules: Rules::default(),
        }
    }
}

/// How long is waited for what must come.
const DEADLINE: Duration = Duration::from_secs(20);
