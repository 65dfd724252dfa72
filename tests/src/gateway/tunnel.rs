//! A WebSocket through a gateway: bytes both ways, until the rules end it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tidewire_behaviours::{Rules, WebSockets};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    sync::watch,
    time::sleep,
};

use super::Shared;

/// What passes on bytes.
pub(super) struct Tunnel {
    shared: Arc<Shared>,
    /// The rules by which it was opened.
    rules: Rules,
    /// How often something was passed on.
    passed: AtomicU64,
}

impl Tunnel {
    pub(super) fn new(shared: Arc<Shared>, rules: Rules) -> Self {
        Self {
            shared,
            rules,
            passed: AtomicU64::new(0),
        }
    }

    /// Until either side ends it, or the gateway does.
    pub(super) async fn run(self, client: OnUpgrade, server: OnUpgrade, mut cut: watch::Receiver<u64>) {
        let mut changes = self.shared.rules.subscribe();
        // Both upgrades follow from answers that are on their way.
        let (Ok(client), Ok(server)) = tokio::join!(client, server) else {
            return;
        };
        tokio::select! {
            _ = self.pass(client, server) => {}
            () = self.died() => {}
            () = self.was_idle() => self.shared.count(|it| it.idle += 1),
            _ = changes.wait_for(|it| *it != self.rules && !it.let_websockets_pass()) => {}
            _ = cut.changed() => {}
        }
    }

    async fn pass(&self, client: Upgraded, server: Upgraded) -> io::Result<()> {
        let (from_client, to_client) = split(TokioIo::new(client));
        let (from_server, to_server) = split(TokioIo::new(server));
        let hold = self.rules.hold_bytes.unwrap_or(0);
        tokio::try_join!(
            self.copy(from_client, to_server, 0),
            self.copy(from_server, to_client, hold)
        )?;
        Ok(())
    }

    /// Passes bytes on once there are so many.
    async fn copy(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        hold: usize,
    ) -> io::Result<()> {
        let mut held = Vec::with_capacity(hold.max(CHUNK_BYTES));
        while from.read_buf(&mut held).await? > 0 {
            self.passed.fetch_add(1, Ordering::Relaxed);
            if held.len() >= hold {
                to.write_all(&held).await?;
                held.clear();
            }
        }
        to.write_all(&held).await?;
        to.shutdown().await
    }

    async fn died(&self) {
        match self.rules.websockets {
            WebSockets::Kill(after) => sleep(Duration::from_millis(after)).await,
            _ => std::future::pending().await,
        }
    }

    /// Resolves when nothing has passed for as long as the rules allow.
    async fn was_idle(&self) {
        let mut rules = self.shared.rules.subscribe();
        loop {
            let Ok(Some(idle)) = rules.wait_for(|it| it.idle_ms.is_some()).await.map(|it| it.idle_ms) else {
                return;
            };
            let passed = self.passed.load(Ordering::Relaxed);
            sleep(Duration::from_millis(idle)).await;
            if passed == self.passed.load(Ordering::Relaxed) && rules.borrow().idle_ms.is_some() {
                return;
            }
        }
    }
}

/// How much is read at once.
const CHUNK_BYTES: usize = 16 << 10;
