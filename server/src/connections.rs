//! How many WebSockets a server has, and in which part of their life.

use std::sync::Arc;

use tokio::sync::watch;

/// How many WebSockets a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// Upgraded, and not yet ended.
    pub open: usize,
    /// Those of them whose closing handshake is under way.
    pub closing: usize,
    /// Ever upgraded.
    pub opened: u64,
}

/// One open connection; dropping it counts down.
#[derive(Debug)]
pub(crate) struct Counted {
    connections: Arc<watch::Sender<Connections>>,
    is_closing: bool,
}

impl Counted {
    pub(crate) fn new(connections: Arc<watch::Sender<Connections>>) -> Self {
        connections.send_modify(|it| {
            it.open += 1;
            it.opened += 1;
        });
        Self {
            connections,
            is_closing: false,
        }
    }

    /// Its closing handshake begins.
    pub(crate) fn on_closing(&mut self) {
        if !self.is_closing {
            self.is_closing = true;
            self.connections.send_modify(|it| it.closing += 1);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.send_modify(|it| {
            it.open -= 1;
            it.closing -= usize::from(self.is_closing);
        });
    }
}
