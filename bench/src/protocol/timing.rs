//! Times something that takes nanoseconds.

use std::{hint::black_box, time::Duration};

use anyhow::Result;
use nix::time::{ClockId, clock_gettime};

/// How much CPU time one sample takes, about.
const SAMPLE: Duration = Duration::from_millis(1);

/// Something that is timed again and again.
pub(super) struct Cell {
    /// Does it so often.
    repeat: Box<dyn FnMut(u32)>,
    /// How often it is done for one sample.
    iterations: u32,
    allocations: u64,
    /// Nanoseconds of one.
    samples: Vec<f64>,
}

/// What was found.
pub(super) struct Figures {
    /// The median.
    pub(super) nanoseconds: f64,
    pub(super) allocations: u64,
    /// The upper quartile over the lower.
    pub(super) spread: f64,
}

impl Cell {
    /// Warms up, counts allocations, and finds how often to repeat.
    pub(super) fn new<R>(mut operation: impl FnMut() -> R + 'static) -> Result<Self> {
        let mut repeat: Box<dyn FnMut(u32)> = Box::new(move |iterations| {
            for _ in 0..iterations {
                black_box(operation());
            }
        });
        let mut iterations = 1;
        while time(&mut repeat, iterations)? < SAMPLE && iterations < 1 << 24 {
            iterations *= 2;
        }
        let allocations = allocation_counter::measure(|| repeat(1)).count_total;
        Ok(Self {
            repeat,
            iterations,
            allocations,
            samples: Vec::new(),
        })
    }

    /// Times it once more.
    pub(super) fn sample(&mut self) -> Result<()> {
        let elapsed = time(&mut self.repeat, self.iterations)?;
        self.samples
            .push(elapsed.as_secs_f64() * 1e9 / f64::from(self.iterations));
        Ok(())
    }

    pub(super) fn result(&self) -> Figures {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let quartile = |quarter: usize| sorted[(sorted.len() - 1) * quarter / 4];
        Figures {
            nanoseconds: quartile(2),
            allocations: self.allocations,
            spread: quartile(3) / quartile(1),
        }
    }
}

/// CPU time of this thread, in which others have no part.
fn time(repeat: &mut impl FnMut(u32), iterations: u32) -> Result<Duration> {
    let now = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let start = now()?;
    repeat(iterations);
    Ok(now()? - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_those_of_one_call_and_the_figure_is_the_median() {
        let mut cell = Cell::new(|| vec![1_u8; 10]).expect("a clock");
        cell.samples = vec![4.0, 1.0, 2.0, 3.0, 100.0];
        let result = cell.result();
        assert_eq!((result.nanoseconds, result.allocations, result.spread), (3.0, 1, 2.0));
    }
}
