//! Moments, and what lies between them.

use std::time::Duration;

use tidewire_protocol::Instant;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_moment_is_as_much_later_as_was_added() {
    let start = Instant(3 * SECOND);
    assert_eq!(start + SECOND, Instant(4 * SECOND));
    assert_eq!((start + SECOND).since(start), SECOND);
    assert_eq!((start + SECOND) - start, SECOND);
}

#[test]
fn an_earlier_moment_is_not_later_at_all() {
    let start = Instant(3 * SECOND);
    assert_eq!(start.since(start + SECOND), Duration::ZERO);
    assert_eq!(start - (start + SECOND), Duration::ZERO);
}

#[test]
fn time_ends_rather_than_beginning_anew() {
    assert_eq!(Instant(Duration::MAX) + SECOND, Instant(Duration::MAX));
}
