//! Any operations on both machines at once. The fuzz target `session_ops` tries more of them.

use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::ops::{Coverage, run, run_honestly};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_machine_panics_skips_a_message_or_answers_twice(bytes in vec(any::<u8>(), 0..2000)) {
        run(&bytes);
    }

    #[test]
    fn whatever_happens_to_those_who_keep_the_protocol_everything_arrives(
        bytes in vec(any::<u8>(), 0..2000),
    ) {
        run_honestly(&bytes);
    }
}

#[test]
fn operations_exercise_what_promises_are_about() {
    let mut runner = TestRunner::deterministic();
    let mut coverage = Coverage::default();
    for _ in 0..200 {
        let bytes = vec(any::<u8>(), 2000).new_tree(&mut runner).expect("bytes").current();
        coverage += run_honestly(&bytes);
    }
    let Coverage {
        messages,
        published,
        refused,
        expired,
        unconfirmed,
        duplicates,
        ..
    } = coverage;
    let Coverage {
        resumes,
        replaced,
        takeovers,
        gaps_evicted,
        gaps_lost,
        renewals,
        ..
    } = coverage;
    let publishes = [published, refused, expired, unconfirmed, duplicates];
    let sessions = [resumes, replaced, takeovers, renewals];
    let rooms = [messages, gaps_evicted, gaps_lost];
    let least = publishes.into_iter().chain(sessions).chain(rooms).min();
    assert!(least >= Some(10), "{coverage}");
}
