//! A server that ends as a process that was killed does: at once, with all it knew.

use std::{net::SocketAddr, time::Duration};

use tidewire_server::Settings;
use tokio::runtime::{Builder, Runtime};

use crate::Server;

/// A server on a thread of its own.
#[derive(Debug)]
pub(super) struct Node {
    server: Server,
    runtime: Option<Runtime>,
}

impl Node {
    pub(super) fn start() -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| format!("no thread for the server: {error}"))?;
        let entered = runtime.enter();
        let server = Server::start(configure);
        drop(entered);
        Ok(Self {
            server,
            runtime: Some(runtime),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

/// It forgets nothing as long as it lives, and notices soon that a connection is half-open.
fn configure(settings: &mut Settings) {
    settings.ping_interval = Duration::from_millis(500);
    settings.silence_timeout = Duration::from_secs(4);
    settings.retention.max_messages = usize::MAX;
    settings.retention.max_bytes = usize::MAX;
    settings.retention.max_age = Duration::from_secs(3600);
    settings.max_log_bytes = usize::MAX;
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its sockets close with its tasks.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
