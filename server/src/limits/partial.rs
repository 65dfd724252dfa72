//! How much memory all messages and bodies take that have not come whole.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// What all of them take.
#[derive(Debug)]
pub(crate) struct Partials {
    bytes: AtomicUsize,
    max: usize,
    /// Whether nobody is to have much now.
    is_short: AtomicBool,
}

/// What one of them takes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Partial {
    all: Arc<Partials>,
    bytes: usize,
}

/// There is no memory for more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoMemory;

impl Partials {
    pub(crate) fn new(max: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            max: max.unwrap_or(usize::MAX),
            is_short: AtomicBool::new(false),
        })
    }

    /// How much all of them take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether memory is short, until this says otherwise: then nobody gets much more.
    pub(crate) fn set_short(&self, is_short: bool) {
        self.is_short.store(is_short, Ordering::Relaxed);
    }

    /// Begins to count one.
    pub(crate) fn begin(self: &Arc<Self>) -> Partial {
        Partial {
            all: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Partial {
    /// So much has come of it. What is read at a time does not count: everyone may have as much.
    pub(crate) fn set(&mut self, bytes: usize) -> Result<(), NoMemory> {
        let bytes = bytes.saturating_sub(FREE_BYTES);
        let Some(more) = bytes.checked_sub(self.bytes) else {
            self.all.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
            return Ok(());
        };
        if more > 0 && bytes > MUCH_BYTES && self.all.is_short.load(Ordering::Relaxed) {
            return Err(NoMemory);
        }
        let grown = |all: usize| all.checked_add(more).filter(|all| *all <= self.all.max);
        let counted = self.all.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
        counted.map_err(|_| NoMemory)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.all.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// How much of each does not count.
pub(crate) const FREE_BYTES: usize = 16 << 10;

/// What each may have beside that while memory is short: as much as a payload may have by default.
const MUCH_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_memory_is_short_nobody_gets_much_more() {
        let partials = Partials::new(None);
        let [mut little, mut much] = [partials.begin(), partials.begin()];
        let most = FREE_BYTES + MUCH_BYTES;
        assert_eq!(much.set(most + 1), Ok(()));
        partials.set_short(true);
        assert_eq!((little.set(most), much.set(most + 1)), (Ok(()), Ok(())));
        assert_eq!(
            (little.set(most + 1), much.set(most + 2)),
            (Err(NoMemory), Err(NoMemory))
        );
        partials.set_short(false);
        assert_eq!((little.set(most + 1), much.set(most + 2)), (Ok(()), Ok(())));
    }

    #[test]
    fn all_together_take_no_byte_more_than_they_may() {
        let partials = Partials::new(Some(10));
        let [mut one, mut other] = [partials.begin(), partials.begin()];
        assert_eq!(one.set(FREE_BYTES), Ok(()));
        assert_eq!(one.set(FREE_BYTES + 6), Ok(()));
        assert_eq!(other.set(FREE_BYTES + 5), Err(NoMemory));
        assert_eq!(other.set(FREE_BYTES + 4), Ok(()));
        assert_eq!(one.set(FREE_BYTES + 7), Err(NoMemory));
        drop(other);
        assert_eq!(one.set(FREE_BYTES + 10), Ok(()));
        assert_eq!(one.set(0), Ok(()));
        assert_eq!(partials.bytes(), 0);
    }
}
