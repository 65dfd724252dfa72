//! How much memory the process has, and what is to give way when that is too much.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use memory_stats::memory_stats;
use tracing::{info, warn};

/// Watches over a bound.
#[derive(Debug)]
pub(crate) struct Memory {
    max: Option<usize>,
    is_full: AtomicBool,
    peak: Mutex<Peak>,
}

/// The most memory that the process has had since it gave much of it back to the system, and how much of it was known to be in use.
/// What was in use then and is not now is there to be used again, though the system still counts it: an allocator keeps it.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    resident: usize,
    in_use: usize,
}

impl Memory {
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self {
            max,
            is_full: AtomicBool::new(false),
            peak: Mutex::default(),
        }
    }

    /// Whether nobody is to be let in that is not there yet.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Whether there is a bound to watch over.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max.is_some()
    }

    /// Looks at the memory that the process has, of which so much is known to be in use, and says how many bytes logs are to give
    /// back.
    pub(crate) fn look(&self, in_use: usize) -> usize {
        match (self.max, memory_stats()) {
            (Some(max), Some(stats)) => {
                let mut peak = self.peak.lock().unwrap_or_else(PoisonError::into_inner);
                let used = peak.used(stats.physical_mem, in_use);
                drop(peak);
                self.on_used(used, max)
            }
            _ => 0,
        }
    }

    fn on_used(&self, used: usize, max: usize) -> usize {
        let sixteenths = |count: usize| max / 16 * count;
        let was_full = self.is_full();
        let is_full = used >= if was_full { sixteenths(13) } else { sixteenths(14) };
        if is_full != was_full {
            self.is_full.store(is_full, Ordering::Relaxed);
            match is_full {
                true => warn!(used, max, "memory: nobody is let in"),
                false => info!(used, max, "memory: there is room again"),
            }
        }
        match used >= sixteenths(12) {
            true => used - sixteenths(10),
            false => 0,
        }
    }
}

impl Peak {
    /// How much of its memory the process needs now, as far as is known.
    fn used(&mut self, resident: usize, in_use: usize) -> usize {
        // Where much was given back, what is still there may be used by what is not known.
        let is_over = resident < self.resident - self.resident / 4;
        if resident > self.resident || is_over {
            *self = Self { resident, in_use };
        }
        // It has proved to be enough for as much.
        self.in_use = self.in_use.max(in_use);
        let freed = self.in_use - in_use;
        resident.min(self.resident.saturating_sub(freed))
    }
}

/// How often to look.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_give_way_before_anybody_is_turned_away_and_all_are_let_in_again() {
        let memory = Memory::new(Some(1600));
        for (used, is_full, to_give_back) in [
            (1199, false, 0),
            (1200, false, 200),
            (1399, false, 399),
            (1400, true, 400),
            (2000, true, 1000),
            (1300, true, 300),
            (1299, false, 299),
            (1399, false, 399),
            (100, false, 0),
        ] {
            assert_eq!(memory.on_used(used, 1600), to_give_back, "{used}");
            assert_eq!(memory.is_full(), is_full, "{used}");
        }
    }

    #[test]
    fn what_the_allocator_keeps_counts_as_free_until_more_is_needed() {
        let mut peak = Peak::default();
        for (resident, in_use, used) in [
            (1600, 1000, 1600),
            // Half of what was in use is free, and nothing was given back to the system.
            (1600, 500, 1100),
            (1550, 500, 1100),
            // It is used again, and only then is there need of more.
            (1600, 1000, 1600),
            (1700, 900, 1700),
            (1700, 600, 1400),
            // What is given back to the system is not there to be used again.
            (1300, 500, 1300),
            (1300, 400, 1200),
            (1200, 500, 1200),
            (1200, 600, 1200),
            (1200, 500, 1100),
        ] {
            assert_eq!(peak.used(resident, in_use), used, "{resident} {in_use}");
        }
    }

    #[test]
    fn without_a_bound_nothing_gives_way() {
        let memory = Memory::new(None);
        assert_eq!((memory.look(0), memory.is_full()), (0, false));
    }
}
