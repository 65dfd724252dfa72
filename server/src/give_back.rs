//! Memory that the server no longer needs, given back to the system.

use std::{convert::Infallible, time::Duration};

use tidewire_trim::{free_bytes, trim};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// Looks every few seconds, for ever, whether so much was freed that it is worth giving back.
pub(crate) async fn give_back_memory() -> Infallible {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What was free, the least of it since some was given back.
    let mut least = usize::MAX;
    loop {
        ticks.tick().await;
        // Both may take milliseconds, in which no connection is to wait.
        let looked = spawn_blocking(move || {
            let free = free_bytes();
            least = least.min(free);
            if free - least >= WORTH_BYTES {
                trim();
                least = free;
            }
            least
        });
        least = looked.await.unwrap_or(usize::MAX);
    }
}

const INTERVAL: Duration = Duration::from_secs(5);

/// Of less than this the server would soon need some again.
const WORTH_BYTES: usize = 2 << 20;
