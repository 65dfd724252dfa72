//! How late the runtime is.

use std::{sync::Weak, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Metrics;
use crate::hub::Hub;

impl Metrics {
    /// Measures it until the server has ended.
    pub(crate) async fn watch_stalls(hub: Weak<Hub>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = ticks.tick().await;
            let late = Instant::now().saturating_duration_since(due);
            let Some(hub) = hub.upgrade() else { return };
            hub.metrics.stall.observe(late.as_secs_f64());
        }
    }
}

const INTERVAL: Duration = Duration::from_millis(250);
