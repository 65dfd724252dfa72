//! How a server ends: who is closed when, what is waited for, and what is logged of it.

use std::time::Duration;

use tokio::time::{Instant, interval, sleep};
use tracing::{info, warn};

use crate::{drain::Phase, tidewire::Tidewire};

impl Tidewire {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.drain_state().phase()
    }

    /// Ends the server over `window`: no new WebSocket and no new session is taken (503), every client of the room protocol is
    /// told that the server goes away, and connections are closed with 1001 one after another, evenly spread over that time.
    /// Before its close a client is told what became of each of its publishes that was taken, and all that its rooms' logs
    /// have. Where [they end with the server](crate::engine::Engine::outlives_server) nothing more is published from the
    /// beginning, so that whoever is closed first misses nothing; clients publish the rest at the next server.
    ///
    /// Resolves when all have ended, at the latest after `window` and twice [`Settings::close_timeout`]. Where the server drains
    /// already, it goes on as it was. Needs a tokio runtime.
    ///
    /// [`Settings::close_timeout`]: crate::Settings::close_timeout
    pub async fn drain(&self, window: Duration) {
        self.begin_drain(window);
        self.drain_state().has_stopped().await;
    }

    /// Ends the server at once: as [`drain`](Self::drain) with no time to spread over. One that drains already does not take
    /// the rest of its time.
    pub async fn shutdown(&self) {
        self.begin_drain(Duration::ZERO);
        self.drain_state().hurry();
        self.drain_state().has_stopped().await;
    }

    /// Resolves when the server has begun to end, by whoever's wish, and the time for that is over: it need not listen any more.
    pub async fn drained(&self) {
        self.drain_state().is_over().await;
    }

    /// Resolves when the server has ended: it has no connection any more.
    pub async fn stopped(&self) {
        self.drain_state().has_stopped().await;
    }

    /// Begins to end, and goes on by itself.
    pub(crate) fn begin_drain(&self, window: Duration) {
        if self.drain_state().begin(window) {
            info!(?window, connections = self.still_open(), "draining");
            tokio::spawn(self.clone().end());
        }
    }

    async fn end(self) {
        let patience = self.settings().close_timeout * 2;
        if !self.hub().rooms.engine().outlives_server() {
            self.hub().sessions.freeze();
            self.publishes_are_settled().await;
        }
        self.drain_state().begin_turns();
        tokio::select! {
            () = self.all_have_left() => {}
            () = async {
                self.drain_state().is_over().await;
                sleep(patience).await;
            } => warn!(connections = self.still_open(), "not waiting any longer"),
            () = self.log_progress() => {}
        }
        self.drain_state().stop();
        info!("stopped");
    }

    /// Resolves when nothing is on its way to the engine: whoever is closed from now on has all that there will be.
    async fn publishes_are_settled(&self) {
        let until = Instant::now() + self.settings().close_timeout;
        while self.hub().sessions.are_publishing() && Instant::now() < until {
            sleep(SETTLE_PAUSE).await;
        }
    }

    /// Resolves when there is no connection any more, and nobody who polls will be back.
    async fn all_have_left(&self) {
        // Who is between two polls when it begins is not known yet.
        let known_at = Instant::now() + BETWEEN_POLLS;
        loop {
            self.tasks().close();
            self.tasks().wait().await;
            let are_known = Instant::now() >= known_at || self.hub().sessions.len() == 0;
            if are_known && !self.drain_state().awaits_polls() {
                return;
            }
            tokio::select! {
                () = sleep(POLL_PAUSE) => {}
                () = self.drain_state().is_over() => return,
            }
        }
    }

    async fn log_progress(&self) {
        let mut ticks = interval(PROGRESS);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            info!(connections = self.still_open(), "draining");
        }
    }

    fn still_open(&self) -> usize {
        self.connections().borrow().open
    }
}

/// How long to wait before looking again whether publishes have arrived at the engine.
const SETTLE_PAUSE: Duration = Duration::from_millis(1);

/// Within so long after the answer to a poll comes the next.
const BETWEEN_POLLS: Duration = Duration::from_secs(1);

/// How long to wait before looking again whether a client has polled.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// How often it is logged how many connections there still are.
const PROGRESS: Duration = Duration::from_secs(5);
