//! nginx and Caddy, as Debian has them. They are unpacked and not installed: an installed one would begin to serve.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::cache;
use super::system::{apt_get, on_path};
use crate::task::Task;

pub(super) fn are_there() -> Result<bool> {
    Ok(are_cached()? || PROGRAMS.iter().all(|(name, _)| on_path(name).is_some()))
}

/// The folder to put on PATH, unless they are there already.
pub(super) fn folder() -> Result<Option<PathBuf>> {
    Ok(if are_cached()? { Some(programs()?) } else { None })
}

pub(super) fn install(task: &mut Task<'_>) -> Result<()> {
    let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| *name).collect();
    if on_path("apt-get").is_none() || on_path("dpkg-deb").is_none() {
        bail!(
            "{} were not found, and there is no apt-get: install both",
            names.join(" and ")
        );
    }
    if let Some(update) = apt_get(&["update"]) {
        task.run(update)?;
    }
    let packages = root()?.join("packages");
    if packages.exists() {
        fs::remove_dir_all(&packages).context("what an earlier try left behind")?;
    }
    fs::create_dir_all(&packages)?;
    let mut download = Command::new("apt-get");
    download.arg("download").args(&names).current_dir(&packages);
    task.run(download)?;
    let unpacked = packages.join("unpacked");
    for entry in fs::read_dir(&packages)? {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(entry?.path()).arg(&unpacked);
        task.run(unpack)?;
    }
    fs::create_dir_all(programs()?)?;
    for (name, path) in PROGRAMS {
        fs::copy(unpacked.join(path), programs()?.join(name)).with_context(|| format!("{name} has no {path}"))?;
    }
    fs::remove_dir_all(&packages)?;
    ensure!(
        starts()?,
        "nginx does not start: install its package, which brings what it needs"
    );
    Ok(())
}

/// What nginx is linked with is on nearly every system.
fn starts() -> Result<bool> {
    let output = Command::new(programs()?.join("nginx")).arg("-v").output()?;
    Ok(output.status.success())
}

fn are_cached() -> Result<bool> {
    let programs = programs()?;
    Ok(PROGRAMS.iter().all(|(name, _)| programs.join(name).is_file()))
}

fn programs() -> Result<PathBuf> {
    Ok(root()?.join("bin"))
}

fn root() -> Result<PathBuf> {
    Ok(cache()?.join("proxies"))
}

/// Each package's own program, and where it is in it.
const PROGRAMS: &[(&str, &str)] = &[("nginx", "usr/sbin/nginx"), ("caddy", "usr/bin/caddy")];
