//! Moments, and what lies between them.

use std::time::Duration;

use tidewire_protocol::Instant;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_moment_is_as_much_later_as_was_added() {
    let start = Instant::new(3 * SECOND);
    assert_eq!(start + SECOND, Instant::new(4 * SECOND));
    assert_eq!((start + SECOND).since(start), SECOND);
    assert_eq!((start + SECOND) - start, SECOND);
}

#[test]
fn an_earlier_moment_is_not_later_at_all() {
    let start = Instant::new(3 * SECOND);
    assert_eq!(start.since(start + SECOND), Duration::ZERO);
    assert_eq!(start - (start + SECOND), Duration::ZERO);
}

#[test]
fn a_moment_is_exact_to_the_nanosecond_for_centuries() {
    let century = Duration::new(100 * 365 * 86_400, 999_999_999);
    for time in [Duration::ZERO, Duration::from_nanos(1), century, 5 * century] {
        assert_eq!(Instant::new(time).elapsed(), time);
    }
    assert_eq!(format!("{:?}", Instant::new(SECOND)), "1s");
}

#[test]
fn time_ends_rather_than_beginning_anew() {
    let end = Instant::new(Duration::MAX);
    assert_eq!((end + SECOND, end + Duration::MAX), (end, end));
    let last_second = Duration::from_secs(end.elapsed().as_secs());
    assert_eq!(Instant::new(last_second), end);
    assert!(Instant::new(last_second - Duration::from_nanos(1)) < end);
}
