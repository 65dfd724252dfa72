//! The built page: by trunk, and only when something that goes into it has changed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::task::Task;
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// What building it needs.
pub(crate) const TOOLS: &[Tool] = &[
    Tool::WasmTarget,
    Tool::Cargo(CargoTool::Trunk),
    Tool::Cargo(CargoTool::WasmBindgen),
    Tool::NodeModules,
];

/// Builds the page into `dist`, for release.
pub(crate) fn build(task: &mut Task<'_>, toolbox: &Toolbox) -> Result<()> {
    let mut command = Command::new("trunk");
    command.args(["build", "--release"]).current_dir(&task.workspace.root);
    command.env("RUSTFLAGS", task.workspace.without_paths());
    task.run(toolbox.equip(command))?;
    let stamp = task.workspace.path(STAMP);
    fs::create_dir_all(stamp.parent().context(STAMP)?)?;
    fs::write(&stamp, fingerprint(task.workspace)?).context(STAMP)
}

/// Whether `dist` is what [`build`] would make again. Contents are compared, not times, so that a change of branch and
/// back builds nothing, and so that a page built otherwise is noticed.
pub(crate) fn is_current(workspace: &Workspace) -> Result<bool> {
    Ok(fs::read_to_string(workspace.path(STAMP))
        .is_ok_and(|stamp| fingerprint(workspace).is_ok_and(|now| now == stamp)))
}

fn fingerprint(workspace: &Workspace) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in INPUTS
        .iter()
        .map(|input| workspace.path(input))
        .chain([workspace.dist()])
    {
        hash(&path, &mut hasher).with_context(|| path.display().to_string())?;
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Adds a file, or all files of a folder by name.
fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if !path.is_dir() {
        return fs::read(path).map(|content| content.hash(hasher));
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| hash(entry, hasher))
}

const STAMP: &str = "target/xtask/page.stamp";
/// All that goes into the page, apart from the tools: those are pinned by two of these files and by `tools`.
const INPUTS: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "package-lock.json",
    "client/Cargo.toml",
    "client/src",
    "protocol/Cargo.toml",
    "protocol/src",
    "www",
    "xtask/src/page.rs",
];
