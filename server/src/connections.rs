//! How many connections a server has, WebSockets and polls, and in which part of their life.

use std::sync::Arc;

use tokio::sync::watch;

/// How many connections a server has: WebSockets, and polls that wait for their answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// Upgraded or asked, and not yet ended or answered.
    pub open: usize,
    /// The WebSockets among them whose closing handshake is under way.
    pub closing: usize,
    /// Ever opened.
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
