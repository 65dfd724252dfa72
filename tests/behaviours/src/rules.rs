//! What a gateway does to what goes through it: proxies as people have them.

use serde::{Deserialize, Serialize};

/// What a gateway does. By default all passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// What becomes of WebSockets.
    pub websockets: WebSockets,
    /// What becomes of polls.
    pub polls: Polls,
    /// A WebSocket on which nothing passes for so many milliseconds is cut, and a poll without an answer is answered with 504.
    pub idle_ms: Option<u64>,
    /// Each answer is held back until it is whole, and what comes on a WebSocket until there are so many bytes.
    pub hold_bytes: Option<usize>,
}

/// What becomes of WebSockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebSockets {
    /// They pass.
    #[default]
    Pass,
    /// The upgrade is refused with this status.
    Refuse(u16),
    /// The upgrade is accepted, and the connection ended after so many milliseconds.
    Kill(u64),
    /// The upgrade is never answered.
    Hang,
}

/// What becomes of polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Polls {
    /// They pass.
    #[default]
    Pass,
    /// One of so many is not passed on, and answered with something else. The first is among them.
    Spoil(u64, Spoiled),
}

/// What is no answer to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spoiled {
    /// A page with this status.
    Status(u16),
    /// A page with the status 200, as where one is to log in first.
    Page,
}

impl Rules {
    /// Whether what is said on a WebSocket arrives.
    #[must_use]
    pub fn let_websockets_pass(&self) -> bool {
        self.websockets == WebSockets::Pass && self.hold_bytes.is_none()
    }

    /// Whether each poll is answered by a server.
    #[must_use]
    pub fn let_polls_pass(&self) -> bool {
        self.polls == Polls::Pass
    }

    /// Every WebSocket is refused, so that who would speak polls.
    #[must_use]
    pub const fn without_websockets(mut self) -> Self {
        self.websockets = WebSockets::Refuse(403);
        self
    }
}
