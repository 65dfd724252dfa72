//! How much memory the server has while it is attacked, and whether that comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{task::JoinHandle, time::interval};

use crate::server::Process;

/// Looks at a process again and again until it is dropped.
pub(crate) struct Watch {
    process: Process,
    before: u64,
    peak: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) before: u64,
    pub(crate) peak: u64,
    pub(crate) after: u64,
}

impl Watch {
    pub(crate) fn begin(process: Process) -> Result<Self> {
        let before = process.resident()?;
        let peak = Arc::new(AtomicU64::new(before));
        let highest = Arc::clone(&peak);
        let task = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_millis(10));
            // A process that has ended is told of elsewhere.
            while let Ok(resident) = process.resident() {
                highest.fetch_max(resident, Ordering::Relaxed);
                ticks.tick().await;
            }
        });
        Ok(Self {
            process,
            before,
            peak,
            task,
        })
    }

    pub(crate) fn end(self) -> Result<Memory> {
        let after = self.process.resident()?;
        let peak = self.peak.load(Ordering::Relaxed).max(after);
        Ok(Memory {
            before: self.before,
            peak,
            after,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a server has when nobody uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Resident memory, in KiB.
    pub(crate) resident: u64,
    /// Files and sockets.
    pub(crate) descriptors: usize,
}

impl Rest {
    pub(crate) fn of(process: Process) -> Result<Self> {
        let (resident, descriptors) = (process.resident()?, process.descriptors()?);
        Ok(Self { resident, descriptors })
    }

    /// Whether this is what it was, give or take a fifth of the memory.
    pub(crate) fn is_like(self, before: Self) -> bool {
        5 * self.resident <= 6 * before.resident && self.descriptors <= before.descriptors
    }

    /// Looks again until `is_so`, for at most so long; returns what there was last.
    pub(crate) async fn wait(process: Process, most: Duration, is_so: impl Fn(Self) -> bool) -> Result<Self> {
        let begun = Instant::now();
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let now = Self::of(process)?;
            if is_so(now) || begun.elapsed() > most {
                return Ok(now);
            }
        }
    }
}
