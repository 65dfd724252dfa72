//! A server that ends as a process that was killed does: at once, with all it knew.

use tidewire_server::Settings;
use tokio::runtime::{Builder, Runtime};

use crate::Server;

/// A server on a thread of its own. Its drop kills it: all sockets close at once, and nobody is told anything.
#[derive(Debug)]
pub struct Node {
    server: Server,
    runtime: Option<Runtime>,
}

impl Node {
    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// When there is no free port, or no thread.
    #[must_use]
    pub fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a thread");
        let entered = runtime.enter();
        let server = Server::start(change);
        drop(entered);
        Self {
            server,
            runtime: Some(runtime),
        }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its sockets close with its tasks.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
