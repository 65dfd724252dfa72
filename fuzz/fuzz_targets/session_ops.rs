//! Any operations on a client and the server's side of all its transports: what they say, what is lost, damaged and made up.
#![no_main]

#[path = "../../protocol/tests/behaviour/ops/mod.rs"]
#[allow(dead_code)]
mod ops;

use libfuzzer_sys::fuzz_target;

// Half of the runs are honest: only then must everything arrive.
fuzz_target!(|bytes: &[u8]| match bytes.split_first() {
    Some((first, rest)) if first % 2 == 0 => drop(ops::run_honestly(rest)),
    Some((_, rest)) => ops::run(rest),
    None => {}
});
