//! How much of a rate somebody has used: eight bytes each, with one limiter of `governor` for all.

use std::{
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore};

use super::rate::Rate;
use crate::clock::Clock;

/// Measures against one rate; without a rate it takes everything.
#[derive(Debug)]
pub(crate) struct Limiter(Option<Limited>);

#[derive(Debug)]
struct Limited {
    rate: Rate,
    limiter: RateLimiter<Meter, InPlace, Clock, NoOpMiddleware<Nanos>>,
}

/// How much one of those who are measured has used.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Limiter {
    pub(crate) fn new(rate: Option<Rate>, clock: Clock) -> Self {
        Self(rate.map(|rate| {
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            Limited {
                rate,
                limiter: RateLimiter::new(quota, InPlace, clock),
            }
        }))
    }

    /// Takes so many at once, or none and says after which time to ask again. More than the burst counts as the burst, which is
    /// all that there ever is at once.
    pub(crate) fn take(&self, meter: &Meter, count: u32) -> Result<(), Duration> {
        let Some(Limited { rate, limiter }) = &self.0 else {
            return Ok(());
        };
        let Some(count) = std::num::NonZeroU32::new(count) else {
            return Ok(());
        };
        match limiter.check_key_n(meter, count.min(rate.burst)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(limiter.clock().now())),
            // There is enough of a burst for itself.
            Err(_) => Ok(()),
        }
    }
}

/// Where the meters are: nowhere but in who has them.
#[derive(Debug)]
struct InPlace;

impl StateStore for InPlace {
    type Key = Meter;

    fn measure_and_replace<T, F, E>(&self, meter: &Meter, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut before = meter.0.load(Ordering::Acquire);
        loop {
            let used = (before != 0).then(|| Nanos::from(before));
            let (result, after) = measure(used)?;
            let exchanged = meter
                .0
                .compare_exchange_weak(before, after.into(), Ordering::Release, Ordering::Relaxed);
            match exchanged {
                Ok(_) => return Ok(result),
                Err(now) => before = now,
            }
        }
    }
}

// `governor` would look a meter up by a key. Here the key is the meter, and these are never asked.

impl Clone for Meter {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Acquire)))
    }
}

impl PartialEq for Meter {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Meter {}

impl Hash for Meter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Clock::now(*self).elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_second: u32, burst: u32) -> Limiter {
        Limiter::new(Rate::new(per_second, burst), Clock::new())
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_one_more_waits_for_its_time() {
        let (limiter, meter) = (limiter(10, 3), Meter::default());
        assert_eq!(limiter.take(&meter, 3), Ok(()));
        assert_eq!(limiter.take(&meter, 1), Err(Duration::from_millis(100)));
        tokio::time::advance(Duration::from_millis(99)).await;
        assert_eq!(limiter.take(&meter, 1), Err(Duration::from_millis(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(limiter.take(&meter, 1), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_burst_counts_as_one() {
        let (limiter, meter) = (limiter(10, 3), Meter::default());
        assert_eq!(limiter.take(&meter, 1000), Ok(()));
        assert_eq!(limiter.take(&meter, 1000), Err(Duration::from_millis(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_measured_apart() {
        let (limiter, one, other) = (limiter(1, 1), Meter::default(), Meter::default());
        assert_eq!([&one, &other].map(|meter| limiter.take(meter, 1)), [Ok(()), Ok(())]);
        assert!(limiter.take(&one, 1).is_err());
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let (limiter, meter) = (Limiter::new(None, Clock::new()), Meter::default());
        assert_eq!(limiter.take(&meter, u32::MAX), Ok(()));
        assert_eq!(limiter.take(&meter, u32::MAX), Ok(()));
    }
}
