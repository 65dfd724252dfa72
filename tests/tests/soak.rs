//! Small versions of what `cargo xtask soak` runs in full.
#![cfg(target_os = "linux")]

use std::time::Duration;

use tidewire_tests::soak::{Leaks, Stalled};
use tokio::sync::Mutex;

/// Memory and time of one are not to be disturbed by the other.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stops_reading_costs_the_server_a_bounded_amount_and_gets_a_gap() {
    let _alone = ALONE.lock().await;
    let stalled = Stalled {
        receivers: 50,
        messages: 600,
        bytes: 16 << 10,
        interval: Duration::from_millis(2),
    };
    let heard = stalled.run_with().await;
    println!("{heard:?}");
    let (from, to) = heard.gap.expect("one of them stopped");
    assert!(from.0 > 1 && to.0 < stalled.messages, "{heard:?}");
    // `docs/ARCHITECTURE.md`, Bounds: what a room keeps, and for each connection 128 KiB and two messages.
    let bound = (1 << 20) + 53 * ((128 << 10) + 2 * stalled.bytes);
    assert!(heard.grown_bytes <= bound, "{heard:?}, over {bound}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_come_and_gone_and_what_was_said_leave_nothing_behind() {
    let _alone = ALONE.lock().await;
    let leaks = Leaks {
        connects: 4000,
        messages: 100_000,
        parts: 3,
    };
    let samples = leaks.run(|sample| println!("{sample:?}")).await;
    // A session alone takes a few hundred bytes, a message 150; the allocator's own ways account for the rest.
    for grown in Leaks::growth(&samples) {
        assert!(grown < 1 << 20, "{grown} bytes: {samples:?}");
    }
}
