//! The promises of the protocol, on thousands of bad networks. One seed is one run.

#![cfg(not(target_arch = "wasm32"))] // it uses all cores
#![expect(clippy::disallowed_methods, reason = "it is told which seeds to run")]

mod simulator;

use simulator::complaint;

/// How many seeds the tests run, unless `TIDEWIRE_SEEDS` says otherwise: `cargo xtask mutants` is content with fewer.
const SEEDS: u64 = 2000;

#[test]
fn no_seed_breaks_a_promise_and_everything_is_exercised() {
    let report = simulator::run_all(0..number_in("TIDEWIRE_SEEDS").unwrap_or(SEEDS));
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    for (name, count) in report.coverage.list() {
        assert!(count > 0, "{name} never happened");
    }
}

#[test]
fn the_same_seed_is_the_same_run_byte_for_byte() {
    for seed in 0..20 {
        let (one, two) = (simulator::trace(seed), simulator::trace(seed));
        assert!(one.0 == two.0 && one.0.lines().count() > 100, "seed {seed}");
        assert_eq!(one.1, two.1);
    }
}

/// Prints all that happens in the run of `TIDEWIRE_SEED`.
#[test]
fn one_seed() {
    let seed = number_in("TIDEWIRE_SEED").unwrap_or(0);
    let (trace, result) = simulator::trace(seed);
    println!("{trace}");
    if let Err(broken) = result {
        panic!("{}", complaint(seed, &broken));
    }
}

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
