//! Which core each side has to itself.

use std::fmt;

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// Where the server and the load generator run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// One core for the server, another for the load generator.
    Apart {
        /// The server's.
        server: usize,
        /// The load generator's.
        generator: usize,
    },
    /// There is but one core.
    Shared,
}

impl Cores {
    /// The first and the last of the cores this program may use: the two threads of one physical core are seldom those.
    pub(crate) fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(this_thread()).context("cannot ask which cores there are")?;
        let allowed = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false));
        Ok(Self::among(allowed))
    }

    fn among(allowed: impl Iterator<Item = usize>) -> Self {
        let allowed: Vec<_> = allowed.collect();
        match allowed[..] {
            [server, .., generator] => Self::Apart { server, generator },
            _ => Self::Shared,
        }
    }

    /// Puts the calling thread on the load generator's core.
    pub(crate) fn enter_generator(self) -> Result<()> {
        match self {
            Self::Apart { generator, .. } => pin(generator),
            Self::Shared => Ok(()),
        }
    }

    /// Runs `start` on the server's core. What it spawns stays there, since affinity is inherited.
    pub(crate) fn on_server<T>(self, start: impl FnOnce() -> T) -> Result<T> {
        if let Self::Apart { server, .. } = self {
            pin(server)?;
        }
        let started = start();
        self.enter_generator()?;
        Ok(started)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apart { server, generator } => {
                write!(f, "server pinned to core {server}, load generator to core {generator}")
            }
            Self::Shared => {
                f.write_str("only one core: server and load generator share it, so latency is not theirs alone")
            }
        }
    }
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)
        .and_then(|()| sched_setaffinity(this_thread(), &set))
        .with_context(|| format!("cannot run on core {core}"))
}

/// To the system's calls for affinity, 0 is the calling thread.
fn this_thread() -> Pid {
    Pid::from_raw(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_are_kept_apart_and_one_is_shared() {
        let apart = |server, generator| Cores::Apart { server, generator };
        assert_eq!(Cores::among([0, 1].into_iter()), apart(0, 1));
        assert_eq!(Cores::among([2, 3, 5].into_iter()), apart(2, 5));
        assert_eq!(Cores::among([4].into_iter()), Cores::Shared);
    }
}
