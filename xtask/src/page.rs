//! The built page: by trunk, and only when something that goes into it has changed.

use std::process::Command;

use anyhow::Result;

use crate::stamp::Stamp;
use crate::task::Task;
use crate::tools::{CargoTool, Tool, Toolbox};

/// What building it needs.
pub(crate) const TOOLS: &[Tool] = &[
    Tool::WasmTarget,
    Tool::Cargo(CargoTool::Trunk),
    Tool::Cargo(CargoTool::WasmBindgen),
    Tool::NodeModules,
];

/// The page, and all that goes into it, apart from the tools: those are pinned by two of these files and by `tools`.
pub(crate) const STAMP: Stamp = Stamp {
    file: "target/xtask/page.stamp",
    inputs: &[
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
    ],
    output: "dist",
};

/// Builds the page into `dist`, for release.
pub(crate) fn build(task: &mut Task<'_>, toolbox: &Toolbox) -> Result<()> {
    let mut command = Command::new("trunk");
    command.args(["build", "--release"]).current_dir(&task.workspace.root);
    command.env("RUSTFLAGS", task.workspace.without_paths());
    task.run(toolbox.equip(command))?;
    STAMP.write(task.workspace)
}
