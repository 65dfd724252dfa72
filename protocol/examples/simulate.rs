//! Runs the simulator over any number of seeds: `cargo xtask simulate --seeds N [--from SEED]`.

#![expect(clippy::disallowed_methods, reason = "it uses all cores, and says how long it took")]

#[path = "../tests/simulator/mod.rs"]
mod simulator;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let mut number = |default| match arguments.next() {
        Some(text) => text.parse().map_err(|_| text),
        None => Ok(default),
    };
    let (seeds, from) = match (number(2000), number(0)) {
        (Ok(seeds), Ok(from)) => (seeds, from),
        (Err(text), _) | (_, Err(text)) => {
            eprintln!("not a number: {text}\nusage: simulate [SEEDS [FROM]]");
            return ExitCode::FAILURE;
        }
    };
    let report = simulator::run_all(from..from + seeds);
    println!("{report}");
    if report.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
