//! The tools that the commands need, each at the version named here: found, or installed where several clones share
//! them (`$XDG_CACHE_HOME/tidewire/tools`, by default `~/.cache/tidewire/tools`).

mod browser;
mod cargo;
mod npm;
mod proxies;
mod rust;
mod system;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::task::Task;
use crate::workspace::Workspace;

pub(crate) use browser::Browser;
pub(crate) use cargo::CargoTool;

/// One tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// rustc's `wasm32-unknown-unknown` target.
    WasmTarget,
    /// `cargo fmt` and `cargo clippy`.
    Lints,
    /// A program that `cargo install` builds.
    Cargo(CargoTool),
    /// Node with what package-lock.json says: `wasm-opt`, and what the JavaScript tests use.
    NodeModules,
    /// Chromium and its WebDriver.
    Browser,
    /// nginx and Caddy.
    Proxies,
}

/// All that was asked for, ready to use.
pub(crate) struct Toolbox {
    path: OsString,
    browser: Option<Browser>,
}

impl Toolbox {
    /// Finds each of `tools`, and installs those that are missing.
    pub(crate) fn ensure(workspace: &Workspace, tools: &[Tool]) -> Result<Self> {
        let mut missing = Vec::new();
        for tool in tools {
            if !tool.find(workspace)? {
                missing.push(tool);
            }
        }
        if !missing.is_empty() {
            println!(
                "Installing what is missing, once ({} of {}):",
                missing.len(),
                tools.len()
            );
        }
        for (index, tool) in missing.iter().enumerate() {
            let title = tool.title(workspace)?;
            let mut task = Task {
                workspace,
                progress: Progress::begin(index + 1, missing.len(), &title, false),
            };
            match tool.install(&mut task) {
                Ok(()) => drop(task.progress.end("done")),
                Err(error) => {
                    task.progress.end("FAILED");
                    return Err(error.context(format!("cannot install {title}")));
                }
            }
        }
        Self::collect(workspace, tools)
    }

    fn collect(workspace: &Workspace, tools: &[Tool]) -> Result<Self> {
        let mut folders = Vec::new();
        for tool in tools {
            folders.extend(tool.folder(workspace)?);
        }
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let browser = if tools.contains(&Tool::Browser) {
            Browser::find()?
        } else {
            None
        };
        Ok(Self {
            path: env::join_paths(folders)?,
            browser,
        })
    }

    /// A command that finds the tools first on its PATH.
    pub(crate) fn equip(&self, mut command: Command) -> Command {
        command.env("PATH", &self.path).env("TRUNK_SKIP_VERSION_CHECK", "true");
        command
    }

    /// The browser, when it was asked for.
    pub(crate) fn browser(&self) -> Result<&Browser> {
        self.browser.as_ref().context("no browser was asked for")
    }
}

impl Tool {
    /// Whether it is there, at its version.
    fn find(self, workspace: &Workspace) -> Result<bool> {
        match self {
            Self::WasmTarget => rust::has_wasm_target(),
            Self::Lints => Ok(rust::has_lints()),
            Self::NodeModules => npm::is_current(workspace),
            Self::Browser => Ok(Browser::find()?.is_some()),
            Self::Proxies => proxies::are_there(),
            Self::Cargo(tool) => Ok(cargo::Installed::new(tool, workspace)?.is_there()),
        }
    }

    fn install(self, task: &mut Task<'_>) -> Result<()> {
        match self {
            Self::WasmTarget => rust::add_wasm_target(task),
            Self::Lints => rust::add_lints(task),
            Self::NodeModules => npm::install(task),
            Self::Browser => browser::install(task),
            Self::Proxies => proxies::install(task),
            Self::Cargo(tool) => cargo::Installed::new(tool, task.workspace)?.install(task),
        }
    }

    /// The folder that must come first on PATH.
    fn folder(self, workspace: &Workspace) -> Result<Option<PathBuf>> {
        match self {
            Self::NodeModules => Ok(Some(npm::programs(workspace))),
            Self::Proxies => proxies::folder(),
            Self::WasmTarget | Self::Lints | Self::Browser => Ok(None),
            Self::Cargo(tool) => Ok(cargo::Installed::new(tool, workspace)?.folder()),
        }
    }

    fn title(self, workspace: &Workspace) -> Result<String> {
        Ok(match self {
            Self::WasmTarget => "Rust's wasm32-unknown-unknown target (rustup)".into(),
            Self::Lints => "rustfmt and clippy (rustup)".into(),
            Self::NodeModules => "npm packages of package-lock.json (npm ci)".into(),
            Self::Browser => "chromium and chromium-driver (apt-get)".into(),
            Self::Proxies => "nginx and Caddy (apt-get download)".into(),
            Self::Cargo(tool) => {
                format!(
                    "{} (cargo install, takes minutes)",
                    cargo::Installed::new(tool, workspace)?
                )
            }
        })
    }
}

/// Where tools are kept for all clones of this user.
fn cache() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|path| Path::new(path).is_absolute()) {
        Some(path) => path.into(),
        None => env::home_dir()
            .context("no home directory: set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(cache.join("tidewire").join("tools"))
}

/// What a program prints first when asked for its version; `None` when it cannot be started.
fn version_of(program: impl AsRef<std::ffi::OsStr>) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
