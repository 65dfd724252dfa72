//! Parts of the Rust toolchain.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::version_of;
use crate::task::Task;
use crate::workspace::cargo;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn has_wasm_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("cannot start rustc")?;
    let sysroot = String::from_utf8(output.stdout)?;
    Ok(Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .join("lib")
        .is_dir())
}

pub(super) fn add_wasm_target(task: &mut Task<'_>) -> Result<()> {
    rustup(task, &["target", "add", WASM_TARGET])
}

pub(super) fn has_lints() -> bool {
    ["fmt", "clippy"].iter().all(|name| {
        cargo()
            .args([name, "--version"])
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

pub(super) fn add_lints(task: &mut Task<'_>) -> Result<()> {
    rustup(task, &["component", "add", "rustfmt", "clippy"])
}

fn rustup(task: &mut Task<'_>, args: &[&str]) -> Result<()> {
    if version_of("rustup").is_none() {
        bail!(
            "rustup was not found: install it, or add this to your Rust by other means: {}",
            args.join(" ")
        );
    }
    let mut command = Command::new("rustup");
    command.args(args).current_dir(&task.workspace.root);
    task.run(command)
}
