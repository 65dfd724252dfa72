//! Node, and the npm packages of the root's package-lock.json.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::version_of;
use crate::task::Task;
use crate::workspace::Workspace;

/// Whether node_modules holds what package-lock.json says.
pub(super) fn is_current(workspace: &Workspace) -> Result<bool> {
    check_node()?;
    let lock = fs::read(workspace.path(LOCK)).context(LOCK)?;
    Ok(fs::read(workspace.path(STAMP)).is_ok_and(|installed| installed == lock))
}

/// `npm ci`, which replaces what is there. Scripts of packages do not run: none is needed.
pub(super) fn install(task: &mut Task<'_>) -> Result<()> {
    let mut command = Command::new("npm");
    command
        .args(["ci", "--ignore-scripts"])
        .current_dir(&task.workspace.root);
    task.run(command)?;
    fs::copy(task.workspace.path(LOCK), task.workspace.path(STAMP)).context(STAMP)?;
    Ok(())
}

/// The folder of the packages' programs.
pub(super) fn programs(workspace: &Workspace) -> PathBuf {
    workspace.path("node_modules/.bin")
}

fn check_node() -> Result<()> {
    let Some(version) = version_of("node") else {
        bail!("`node` was not found: {WANTED}")
    };
    if !is_new_enough(&version) {
        bail!("Node {version} is too old: {WANTED}");
    }
    if version_of("npm").is_none() {
        bail!("`npm` was not found beside Node {version}: {WANTED}");
    }
    Ok(())
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(major), Some(minor)) => (major, minor) >= (22, 12),
        _ => false,
    }
}

/// Vite's own limits.
const WANTED: &str = "install Node 20.19, or 22.12 or newer, with npm, and start this again";
const LOCK: &str = "package-lock.json";
/// A copy of the lock file that node_modules was installed from.
const STAMP: &str = "node_modules/.installed-lock.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_new_enough_where_vite_says_so() {
        for (version, expected) in [
            ("v18.20.0", false),
            ("v20.18.9", false),
            ("v20.19.0", true),
            ("v21.7.0", false),
            ("v22.11.0", false),
            ("v22.12.0", true),
            ("v26.0.0", true),
            ("nonsense", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
