//! Many seeds, on all cores.

#![expect(clippy::disallowed_types, reason = "it says how long it took")]

use std::{
    fmt,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Coverage, run};

/// What came of many seeds.
pub(crate) struct Report {
    pub(crate) seeds: Range<u64>,
    pub(crate) coverage: Coverage,
    /// The seeds that broke a promise, in order, and how.
    pub(crate) broken: Vec<(u64, String)>,
    pub(crate) elapsed: Duration,
}

/// So many broken seeds are enough to look at.
const ENOUGH: usize = 10;

/// Runs seeds on all cores.
pub(crate) fn run_all(seeds: Range<u64>) -> Report {
    let begun = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let results = Mutex::new((Coverage::default(), Vec::new()));
    let lock = || results.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        let mut coverage = Coverage::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) || lock().1.len() >= ENOUGH {
                lock().0 += coverage;
                return;
            }
            match run(seed) {
                Ok(covered) => coverage += covered,
                Err(broken) => lock().1.push((seed, broken)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
    });
    let (coverage, mut broken) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    Report {
        seeds,
        coverage,
        broken,
        elapsed: begun.elapsed(),
    }
}

/// What broke, and the one command that replays it.
pub(crate) fn complaint(seed: u64, broken: &str) -> String {
    format!(
        "seed {seed}: {broken}\nreplay: TIDEWIRE_SEED={seed} cargo test -p tidewire-protocol --test simulation -- --nocapture one_seed"
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (seed, broken) in &self.broken {
            writeln!(f, "{}", complaint(*seed, broken))?;
        }
        let count = self.seeds.end - self.seeds.start;
        let rate = count as f64 / self.elapsed.as_secs_f64();
        writeln!(f, "covered: {}", self.coverage)?;
        let seconds = self.elapsed.as_secs_f64();
        write!(
            f,
            "{count} seeds in {seconds:.1} s, {rate:.0} a second; {} broke a promise",
            self.broken.len()
        )
    }
}
