//! How much all logs together may keep.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that many share.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            max,
        }
    }

    /// One of those who share has this many bytes now, and says whether that makes it too many.
    pub(crate) fn change(&self, before: usize, now: usize) -> bool {
        match now.checked_sub(before) {
            Some(0) => false,
            Some(more) => self.used.fetch_add(more, Ordering::Relaxed) + more > self.max,
            None => {
                self.used.fetch_sub(before - now, Ordering::Relaxed);
                false
            }
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }
}

/// The most that each may keep, so that together they keep at most `total`: the small ones keep what they have, and the
/// large ones are made equal.
pub(crate) fn share(mut sizes: Vec<usize>, total: usize) -> usize {
    sizes.sort_unstable();
    let mut left = total;
    let mut count = sizes.len();
    for size in sizes {
        if size > left / count {
            return left / count;
        }
        left -= size;
        count -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_overdrawn_by_one_byte_more_than_it_has() {
        let budget = Budget::new(10);
        assert!(!budget.change(0, 10));
        assert!(budget.change(0, 1));
        assert!(!budget.change(10, 9));
        assert!(!budget.change(1, 1));
    }

    #[test]
    fn the_largest_give_way_and_are_made_equal() {
        assert_eq!(share(vec![1, 2, 3], 6), usize::MAX);
        assert_eq!(share(vec![1, 90, 30, 9], 50), 20);
        assert_eq!(share(vec![5, 5], 0), 0);
        assert_eq!(share(vec![], 0), usize::MAX);
        assert_eq!(share(vec![0, 100], 10), 10);
    }
}
