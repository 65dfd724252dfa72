//! Time that both sides spend between two moments.

use std::{
    ops::Sub,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{peers::Peer, proc, server::Server};

/// The clocks at one moment.
pub(crate) struct Clocks {
    now: Instant,
    server_cpu: Duration,
    generator_cpu: Duration,
    without_core: Duration,
}

/// What was spent from one moment to another.
pub(crate) struct Spent {
    pub(crate) elapsed: Duration,
    /// CPU time of all threads of the server, in user and kernel mode.
    pub(crate) server_cpu: Duration,
    generator_cpu: Duration,
    /// How long the server's threads were ready to run and had no core, added up.
    without_core: Duration,
}

impl Clocks {
    /// Now.
    pub(crate) fn read(server: &Server) -> Result<Self> {
        Ok(Self {
            now: Instant::now(),
            server_cpu: server.cpu_time()?,
            generator_cpu: proc::own_cpu_time()?,
            without_core: proc::time_without_core(server.pid())?,
        })
    }
}

impl Sub for Clocks {
    type Output = Spent;

    fn sub(self, before: Self) -> Spent {
        Spent {
            elapsed: self.now - before.now,
            server_cpu: self.server_cpu - before.server_cpu,
            generator_cpu: self.generator_cpu - before.generator_cpu,
            without_core: self.without_core.saturating_sub(before.without_core),
        }
    }
}

impl Spent {
    /// CPU time of the server over elapsed time.
    pub(crate) fn server_busy(&self) -> String {
        percent(self.share(self.server_cpu))
    }

    /// CPU time of the load generator over elapsed time.
    pub(crate) fn generator_busy(&self) -> String {
        percent(self.share(self.generator_cpu))
    }

    /// Why the figures should not be trusted.
    pub(crate) fn doubts(&self, peer: &Peer) -> Vec<String> {
        let mut doubts = Vec::new();
        let without_core = self.share(self.without_core);
        if without_core > NOISY {
            let part = percent(without_core);
            doubts.push(format!(
                "{}: for {part} of the time its threads waited for a core; CPU time is fair, latency and rate are not",
                peer.name
            ));
        }
        if self.share(self.generator_cpu) > SATURATED {
            doubts.push(format!(
                "{}: the load generator was at its limit; latency and rate are partly its own",
                peer.name
            ));
        }
        doubts
    }

    /// Of the elapsed time.
    fn share(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A run that is shorter is repeated, since chance would have a large part in it.
pub(crate) const SHORTEST: Duration = Duration::from_secs(2);

/// From this share of the time on that threads had no core, other programs had a large part in the figures.
const NOISY: f64 = 0.1;

/// From this share on a core has no time left.
const SATURATED: f64 = 0.95;
