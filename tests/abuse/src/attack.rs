//! One attack: what is done, where, and how a server must answer.

use std::pin::Pin;

use anyhow::Result;

use crate::{answer::Answer, peer::Peer, target::Target};

/// The paths of WebSockets that are attacked.
pub(crate) const SOCKETS: &[&str] = &["/ws", "/chat", "/echo"];

/// What is done, where, and how a server must answer.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) paths: &'static [&'static str],
    /// Any of these.
    pub(crate) expected: &'static [Answer],
    pub(crate) deed: Deed,
    /// Whether it spends its time on waiting for a deadline of the server. Such attacks are done beside one another.
    pub(crate) waits: bool,
}

/// What is done.
pub(crate) enum Deed {
    /// Bytes on a new TCP connection; the status of the first answer counts.
    Request(fn(&str) -> Vec<u8>),
    /// Bytes on an open WebSocket; it counts whether and how that is closed.
    Frames(fn(Target) -> Vec<u8>),
    /// Anything, as often as what is small.
    Act(Act),
    /// Anything that is large by itself.
    Mass(Act),
}

/// Anything that is done at a path.
pub(crate) type Act = fn(Target, &'static str) -> Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

impl Attack {
    pub(crate) const fn request(name: &'static str, expected: &'static [Answer], bytes: fn(&str) -> Vec<u8>) -> Self {
        Self::new(name, SOCKETS, expected, Deed::Request(bytes))
    }

    pub(crate) const fn frames(name: &'static str, expected: &'static [Answer], bytes: fn(Target) -> Vec<u8>) -> Self {
        Self::new(name, SOCKETS, expected, Deed::Frames(bytes))
    }

    pub(crate) const fn act(name: &'static str, expected: &'static [Answer], act: Act) -> Self {
        Self::new(name, SOCKETS, expected, Deed::Act(act))
    }

    pub(crate) const fn mass(name: &'static str, expected: &'static [Answer], act: Act) -> Self {
        Self::new(name, SOCKETS, expected, Deed::Mass(act))
    }

    const fn new(name: &'static str, paths: &'static [&'static str], expected: &'static [Answer], deed: Deed) -> Self {
        Self {
            name,
            paths,
            expected,
            deed,
            waits: false,
        }
    }

    /// It waits for a deadline of the server.
    pub(crate) const fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// At other paths.
    pub(crate) const fn at(mut self, paths: &'static [&'static str]) -> Self {
        self.paths = paths;
        self
    }

    /// How often it is done at each path.
    pub(crate) fn times(&self, target: Target) -> usize {
        match self.deed {
            Deed::Mass(_) => 1,
            _ => target.scale.times,
        }
    }
}

impl Deed {
    /// Does it once.
    pub(crate) async fn run(&self, target: Target, path: &'static str) -> Result<Answer> {
        match self {
            Self::Request(bytes) => {
                let mut peer = Peer::connect(target).await?;
                peer.send_while_taken(&bytes(path)).await?;
                peer.status().await
            }
            Self::Frames(bytes) => {
                let mut peer = Peer::open(target, path).await?;
                peer.send_while_taken(&bytes(target)).await?;
                peer.goes_on().await
            }
            Self::Act(act) | Self::Mass(act) => act(target, path).await,
        }
    }
}
