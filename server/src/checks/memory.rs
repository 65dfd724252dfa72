//! The bound for memory, and what the machine has.

use std::{fs, path::Path};

use super::Finding;
use crate::config::Config;

pub(super) fn is_bounded(config: &Config) -> Option<Finding> {
    (config.is_public() && config.settings().limits.max_memory.is_none()).then(|| {
        Finding::note(
            "no --max-memory: where it runs short the system ends the server. With it logs give way first, then nobody is let in",
        )
    })
}

pub(super) fn bound_is_below_what_there_is(config: &Config) -> Option<Finding> {
    let max = config.settings().limits.max_memory? as u64;
    let (there, what) = [(of_machine(), "the machine"), (of_group(), "its control group")]
        .into_iter()
        .filter_map(|(bytes, what)| Some((bytes?, what)))
        .min()?;
    (max >= there).then(|| {
        Finding::warning(format!(
            "--max-memory {max} is never reached: {what} has {there}, and the system ends the server there"
        ))
    })
}

/// See proc(5).
fn of_machine() -> Option<u64> {
    let all = fs::read_to_string("/proc/meminfo").ok()?;
    let line = all.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}

/// The least that this process's control group, of version 2, and those above it may have: see cgroups(7).
fn of_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let path = root.join(group);
    let above = path.ancestors().take_while(|path| path.starts_with(root));
    let bound = |path: &Path| fs::read_to_string(path.join("memory.max")).ok()?.trim().parse().ok();
    above.filter_map(bound).min()
}
