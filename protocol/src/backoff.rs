//! How long to wait before connecting again.

use core::time::Duration;

use crate::time::nanos;

/// Full jitter: a random time between nothing and a limit that doubles twice and goes to the cap then: what is not back after some
/// seconds will be away for longer, and who tries more and more slowly is still quick when all are to come back. At the cap it stays
/// random, so that clients that lost the same server do not come back as one.
/// ([Exponential Backoff and Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/))
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    settings: BackoffSettings,
    attempt: u32,
    random: Random,
}

/// Limits of the wait before connecting again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The limit of the first wait. Default: 500 ms.
    pub base: Duration,
    /// The limit of all waits. Default: 20 s.
    pub cap: Duration,
    /// The limit of all waits while nobody can see the page. It is reached by doubling on. Default: 5 min.
    pub hidden_cap: Duration,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            hidden_cap: Duration::from_secs(300),
        }
    }
}

impl Backoff {
    pub(crate) const fn new(settings: BackoffSettings, seed: u64) -> Self {
        Self {
            settings,
            attempt: 0,
            random: Random(seed),
        }
    }

    /// The next wait, of a page that can be seen or not.
    pub(crate) fn next(&mut self, is_hidden: bool) -> Duration {
        let BackoffSettings { base, cap, hidden_cap } = self.settings;
        let (base, cap) = (nanos(base), nanos(if is_hidden { hidden_cap } else { cap }));
        let doublings = match self.attempt.min(30) {
            few @ ..3 => few,
            more => more + JUMP,
        };
        let limit = if base > cap >> doublings {
            cap
        } else {
            base << doublings
        };
        self.attempt = self.attempt.saturating_add(1);
        self.random.up_to(limit)
    }

    /// A time between the two, as the server wished.
    pub(crate) fn between(&mut self, min: Duration, max: Duration) -> Duration {
        min + self.random.up_to(nanos(max.saturating_sub(min)))
    }

    /// Starts over, after a connection that was of use.
    pub(crate) const fn reset(&mut self) {
        self.attempt = 0;
    }

    /// Whether no attempt has failed since it started over.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.attempt == 0
    }
}

/// [SplitMix64](https://prng.di.unimi.it/splitmix64.c): numbers that follow from a seed, so that the driver draws one random
/// number, and a simulation none.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn up_to(&mut self, limit: u64) -> Duration {
        // The high half of the product is uniform from 0 to the limit.
        Duration::from_nanos(((u128::from(self.next()) * (u128::from(limit) + 1)) >> 64) as u64)
    }
}

/// So many doublings are left out after the first two.
const JUMP: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn waits(seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(BackoffSettings::default(), seed);
        (0..count).map(|_| backoff.next(false)).collect()
    }

    #[test]
    fn the_limit_doubles_twice_and_goes_to_the_cap_then() {
        let BackoffSettings { base, cap, .. } = BackoffSettings::default();
        for attempt in 0..100 {
            let limit = if attempt < 3 { base * (1 << attempt) } else { cap };
            let longest = (0..200)
                .map(|seed| waits(seed, attempt as usize + 1)[attempt as usize])
                .max();
            let longest = longest.expect("some");
            assert!(
                longest <= limit && longest > limit * 9 / 10,
                "{attempt}: {longest:?} of {limit:?}"
            );
        }
    }

    #[test]
    fn waits_at_the_cap_are_spread_evenly() {
        let cap = BackoffSettings::default().cap;
        let mut tenths = [0; 10];
        for wait in waits(1, 10_000).split_off(10) {
            tenths[((wait.as_nanos() * 10 / cap.as_nanos()) as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn it_starts_over_after_a_reset() {
        let mut backoff = Backoff::new(BackoffSettings::default(), 1);
        for _ in 0..20 {
            backoff.next(false);
        }
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
        assert!(backoff.next(false) <= BackoffSettings::default().base);
    }

    #[test]
    fn a_wait_that_the_server_wished_for_is_between_its_limits() {
        let mut backoff = Backoff::new(BackoffSettings::default(), 1);
        let (min, max) = (Duration::from_secs(5), Duration::from_secs(6));
        let waits: Vec<_> = (0..1000).map(|_| backoff.between(min, max)).collect();
        assert!(waits.iter().all(|wait| (min..=max).contains(wait)));
        let (shortest, longest) = (waits.iter().min().expect("some"), waits.iter().max().expect("some"));
        assert!(*longest - *shortest > Duration::from_millis(900));
        assert_eq!(backoff.between(max, min), max, "the other way round it is the first");
    }

    #[test]
    fn a_wait_may_be_as_long_as_its_limit() {
        let mut backoff = Backoff::new(BackoffSettings::default(), 1);
        let limit = Duration::from_nanos(1);
        assert!((0..100).any(|_| backoff.between(Duration::ZERO, limit) == limit));
    }

    /// <https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64>
    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| random.next()), expected);
    }
}
