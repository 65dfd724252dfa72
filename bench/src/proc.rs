//! What the kernel says of a process: proc(5).

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use nix::{
    time::{ClockId, clock_getcpuclockid},
    unistd::Pid,
};

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// `VmRSS` of `/proc/PID/status`: what `ps` and `top` show. The kernel sums it up lazily, so it may be off by a few
    /// hundred KB.
    pub(crate) resident: u64,
    /// `RssAnon` of the same: heap and stacks, without files that are mapped.
    pub(crate) anonymous: u64,
    /// `Pss` of `/proc/PID/smaps_rollup`: counted page by page, what is shared with other processes divided by their number.
    pub(crate) proportional: u64,
}

impl Memory {
    /// Of the process `pid`, now.
    pub(crate) fn of(pid: Pid) -> Result<Self> {
        let read = |file| read(&format!("/proc/{pid}/{file}"));
        Self::parse(&read("status")?, &read("smaps_rollup")?).context("memory fields are missing in /proc")
    }

    fn parse(status: &str, smaps: &str) -> Option<Self> {
        Some(Self {
            resident: kilobytes(status, "VmRSS")?,
            anonymous: kilobytes(status, "RssAnon")?,
            proportional: kilobytes(smaps, "Pss")?,
        })
    }
}

/// CPU time that all threads of `pid` have used, those that ended included, in user and kernel mode.
pub(crate) fn cpu_time(pid: Pid) -> Result<Duration> {
    let clock = clock_getcpuclockid(pid).context("the process has no CPU clock")?;
    Ok(clock.now()?.into())
}

/// CPU time that this program has used.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// How long the main thread of `pid`, and those of its threads that run now, were ready to run and had no core.
pub(crate) fn time_without_core(pid: Pid) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the process has ended")? {
        let path = task?.path().join("schedstat");
        // A thread may end in between.
        let text = fs::read_to_string(path).unwrap_or_default();
        total += parse_run_delay(&text).unwrap_or_default();
    }
    Ok(total)
}

/// The value of a line `name : value`.
pub(crate) fn colon_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = colon_field(text, name)?.strip_suffix("kB")?;
    Some(value.trim().parse::<u64>().ok()? * 1024)
}

/// The second field of schedstat: nanoseconds spent waiting on a run queue.
/// See [the kernel's documentation](https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat).
fn parse_run_delay(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes_and_from_the_field_of_that_exact_name() {
        let status = "Name:\tnode\nVmHWM:\t  200 kB\nVmRSS:\t   12 kB\nRssAnon:\t    8 kB\n";
        let smaps =
            "00400000-7ff ---p 00000000 00:00 0    [rollup]\nRss:      12 kB\nPss:       10 kB\nPss_Anon:  1 kB\n";
        let expected = Memory {
            resident: 12 << 10,
            anonymous: 8 << 10,
            proportional: 10 << 10,
        };
        assert_eq!(Memory::parse(status, smaps), Some(expected));
        assert_eq!(Memory::parse("VmRSS:\t12 pages\n", smaps), None);
    }

    #[test]
    fn the_wait_for_a_core_is_the_second_field() {
        assert_eq!(
            parse_run_delay("367781434 76044444 90\n"),
            Some(Duration::from_nanos(76_044_444))
        );
        assert_eq!(parse_run_delay(""), None);
    }

    #[test]
    fn work_makes_the_cpu_time_grow() {
        let before = cpu_time(Pid::this()).expect("this process exists");
        let mut value = 1_u64;
        while cpu_time(Pid::this()).expect("this process exists") < before + Duration::from_millis(2) {
            value = std::hint::black_box(value.wrapping_mul(3));
        }
        assert!(own_cpu_time().expect("this process exists") > before);
    }
}
