//! Tools that `cargo install` builds.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;

use super::{cache, version_of};
use crate::task::Task;
use crate::workspace::{Workspace, cargo};

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CargoTool {
    /// Builds the page.
    Trunk,
    /// Must be of exactly the version that Cargo.lock has; brings the runner of the browser tests too.
    WasmBindgen,
    /// Builds the npm package.
    WasmPack,
    /// Checks dependencies.
    Deny,
    /// Runs fuzz targets.
    Fuzz,
    /// Changes code to see whether tests notice.
    Mutants,
}

/// One such tool at its version.
pub(super) struct Installed {
    /// Its name on crates.io.
    package: &'static str,
    version: String,
    /// Its programs; the first is asked for its version.
    programs: &'static [&'static str],
    /// Whether the crate's own Cargo.lock is used.
    locked: bool,
    root: PathBuf,
}

impl Installed {
    pub(super) fn new(tool: CargoTool, workspace: &Workspace) -> Result<Self> {
        let (package, version, programs, locked): (_, String, &'static [&'static str], _) = match tool {
            CargoTool::Trunk => ("trunk", "0.21.14".into(), &["trunk"], true),
            // Its own lock file names a version of a crate that was withdrawn, so it is resolved anew.
            CargoTool::WasmBindgen => (
                "wasm-bindgen-cli",
                workspace.locked_version("wasm-bindgen")?,
                &["wasm-bindgen", "wasm-bindgen-test-runner"],
                false,
            ),
            CargoTool::WasmPack => ("wasm-pack", "0.15.1".into(), &["wasm-pack"], true),
            CargoTool::Deny => ("cargo-deny", "0.20.2".into(), &["cargo-deny"], true),
            CargoTool::Fuzz => ("cargo-fuzz", "0.13.2".into(), &["cargo-fuzz"], true),
            CargoTool::Mutants => ("cargo-mutants", "27.1.0".into(), &["cargo-mutants"], true),
        };
        let root = cache()?.join(format!("{package}-{version}"));
        Ok(Self {
            package,
            version,
            programs,
            locked,
            root,
        })
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_cached() || self.is_on_path()
    }

    /// The folder to put on PATH, unless it is there already.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.is_cached().then(|| self.root.join("bin"))
    }

    pub(super) fn install(&self, task: &mut Task<'_>) -> Result<()> {
        let mut command = cargo();
        command
            .args(["install", self.package, "--debug", "--version"])
            .arg(format!("={}", self.version));
        if self.locked {
            command.arg("--locked");
        }
        command.arg("--root").arg(&self.root).current_dir(&task.workspace.root);
        task.run(command)
    }

    fn is_cached(&self) -> bool {
        self.programs
            .iter()
            .all(|program| self.root.join("bin").join(program).is_file())
    }

    fn is_on_path(&self) -> bool {
        self.programs.iter().all(|program| {
            version_of(program).is_some_and(|text| text.split_whitespace().any(|word| word == self.version))
        })
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.version)
    }
}
