//! Five clients in a page, on a network that keeps breaking, and a server that loses everything once.
//!
//! `cargo xtask soak browser --seed 7` has other faults, each time the same ones.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, unused_imports)] // the other lists use the rest
mod common;

use common::request;
use gloo_timers::future::TimeoutFuture;
use tidewire_chaos::{Chaos, Counters, Network, impatient};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn nothing_is_lost_doubled_or_reordered_and_each_gap_is_explained() {
    let seed: u64 = option_env!("TIDEWIRE_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let chaos = Chaos {
        clients: 5,
        rooms: 3,
        unanswered: 20,
        messages: 5000,
        cuts: 100,
        options: impatient,
    };
    let begun = js_sys::Date::now();
    let address = ask("POST", &format!("/{seed}")).await.expect("a network");
    let url = format!("ws://{address}/ws");
    let deadline = TimeoutFuture::new(DEADLINE_MS);
    let survived = chaos.run(&url, &mut Fixture, |_| {}, deadline).await;
    let survived = survived
        .unwrap_or_else(|broken| panic!("{broken}\nreplay its faults with: cargo xtask soak browser --seed {seed}"));
    let seconds = (js_sys::Date::now() - begun) / 1000.0;
    console_log!(
        "chaos in a browser, seed {seed}: nothing was lost, doubled or reordered, and each gap was explained: {survived}; \
         {seconds:.1} s"
    );
    let faults = survived.faults;
    assert!(
        survived.published >= chaos.messages && faults.ended() >= chaos.cuts,
        "{survived}"
    );
    assert!(survived.gaps > 0, "the lost logs were noticed");
    assert!(faults.half_open > 0 && faults.stalled > 0, "{survived}");
}

/// The network that the fixture server keeps.
struct Fixture;

impl Network for Fixture {
    async fn counters(&mut self) -> Result<Counters, String> {
        TimeoutFuture::new(LOOK_EVERY_MS).await;
        let counters = ask("GET", "").await?;
        serde_json::from_str(&counters).map_err(|error| error.to_string())
    }

    async fn replace_server(&mut self) -> Result<(), String> {
        ask("POST", "/replace-server").await.map(drop)
    }

    async fn heal(&mut self) -> Result<(), String> {
        ask("POST", "/heal").await.map(drop)
    }
}

/// Asks the fixture server about its network, or to do something with it.
async fn ask(method: &str, path: &str) -> Result<String, String> {
    match request(method, &format!("/fixture/network{path}"), None).await {
        (200..300, text) => Ok(text),
        (status, _) => Err(format!("{method} {path}: the fixture server answered {status}")),
    }
}

/// A run takes a third of it.
const DEADLINE_MS: u32 = 120_000;

const LOOK_EVERY_MS: u32 = 50;
