//! Fifty clients in ten rooms over connections that keep breaking, and a server that loses everything once.
//!
//! `TIDEWIRE_SEED=7 cargo test --package tidewire-tests --test chaos` has other faults, each time the same ones.

use tidewire_chaos::{Chaos, impatient};
use tidewire_tests::{BadNetwork, DEADLINE};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_and_each_gap_is_explained() {
    let seed = std::env::var("TIDEWIRE_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let chaos = Chaos {
        clients: 50,
        rooms: 10,
        unanswered: 32,
        messages: 10_000,
        cuts: 300,
        options: impatient,
    };
    let mut network = BadNetwork::start(seed).await;
    let url = format!("ws://{}/ws", network.address());
    let survived = chaos.run(&url, &mut network, |_| {}, sleep(DEADLINE * 6)).await;
    let replay = format!("TIDEWIRE_SEED={seed} cargo test --package tidewire-tests --test chaos");
    let survived = survived.unwrap_or_else(|broken| panic!("{broken}\nreplay its faults with: {replay}"));
    println!("{survived}");
    assert!(survived.gaps > 0, "the lost logs were noticed");
    assert!(
        survived.faults.half_open > 0 && survived.faults.stalled > 0,
        "{survived}"
    );
}
