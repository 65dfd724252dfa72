//! What a run was measured on.

use std::fs;

use nix::sys::utsname::uname;

use crate::{cores::Cores, proc};

/// A few lines: the machine, how busy it is with other work, and who runs where.
pub(crate) fn describe(cores: &Cores) -> String {
    let kernel = uname().map_or_else(
        |_| "unknown kernel".to_owned(),
        |it| it.release().to_string_lossy().into_owned(),
    );
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = proc::colon_field(&cpu_info, "model name").unwrap_or("unknown CPU");
    let count = cpu_info.lines().filter(|line| line.starts_with("processor")).count();
    let load = load_average();
    let mut text =
        format!("machine: {count} cores ({model}), Linux {kernel}, load average {load:.2} before the run\n{cores}");
    if load > 0.5 {
        text += "\nwarning: other programs are using this machine; times are upper bounds";
    }
    text
}

/// The load average of the last minute; 0 where it cannot be read.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    first.unwrap_or_default()
}
