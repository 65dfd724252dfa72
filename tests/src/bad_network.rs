//! The network of a chaos run: the faulty proxy, with a server behind it that is replaced by an empty one.

use std::{net::SocketAddr, time::Duration};

use tidewire_chaos::{Counters, Network};
use tidewire_server::{Origins, Settings};
use tokio::time::sleep;

use crate::{Node, Plan, Proxy};

/// A server that keeps everything as long as it lives, behind connections that keep breaking as it follows from a seed.
#[derive(Debug)]
pub struct BadNetwork {
    proxy: Proxy,
    node: Node,
}

impl BadNetwork {
    /// Starts both.
    ///
    /// # Panics
    ///
    /// When there is no free port, or no thread.
    pub async fn start(seed: u64) -> Self {
        let node = Node::start(configure);
        let proxy = Proxy::start(node.server().address()).await;
        // Some connections end within the handshake, some after a thousand messages.
        proxy.follow(Some(Plan {
            longest_bytes: 48 << 10,
            // A client notices after one and a half ping intervals and two seconds; the server a little later.
            half_open: Duration::from_secs(4),
            ..Plan::new(seed)
        }));
        Self { proxy, node }
    }

    /// Where the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// What the proxy has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.proxy.counters()
    }

    /// Kills the server, and starts another that knows nothing.
    pub fn replace_server(&mut self) {
        let node = Node::start(configure);
        self.proxy.set_server(node.server().address());
        self.node = node;
    }

    /// Cuts all that is open; what comes is not broken any more.
    pub fn heal(&self) {
        self.proxy.follow(None);
        self.proxy.cut_all();
    }
}

impl Network for BadNetwork {
    async fn counters(&mut self) -> Result<Counters, String> {
        sleep(LOOK_EVERY).await;
        Ok(Self::counters(self))
    }

    async fn replace_server(&mut self) -> Result<(), String> {
        Self::replace_server(self);
        Ok(())
    }

    async fn heal(&mut self) -> Result<(), String> {
        Self::heal(self);
        Ok(())
    }
}

/// It notices soon that a connection is half-open, too.
fn configure(settings: &mut Settings) {
    // A test's page may be from anywhere.
    settings.origins = Origins::all();
    settings.ping_interval = Duration::from_millis(500);
    settings.silence_timeout = Duration::from_secs(4);
    settings.retention.max_messages = usize::MAX;
    settings.retention.max_bytes = usize::MAX;
    settings.retention.max_age = Duration::from_secs(3600);
    settings.max_log_bytes = usize::MAX;
}

const LOOK_EVERY: Duration = Duration::from_millis(20);
