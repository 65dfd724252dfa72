//! Where things are in the repository, and what its Cargo files say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The repository, as `cargo metadata` describes it.
pub(crate) struct Workspace {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds: `target`, unless `CARGO_TARGET_DIR` says otherwise.
    cargo_target: PathBuf,
    /// The crates of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// One crate of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its cargo features, without `default`.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// The workspace that this command belongs to.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("start this as `cargo xtask`")?;
        let root = Path::new(&manifest)
            .parent()
            .context("xtask lies in the repository's root")?
            .to_owned();
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1"])
            .current_dir(&root)
            .output()?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
        let cargo_target = metadata["target_directory"]
            .as_str()
            .context("cargo metadata: target_directory")?
            .into();
        let packages = metadata["packages"].as_array().context("cargo metadata: packages")?;
        let packages = packages
            .iter()
            .map(Package::parse)
            .collect::<Option<_>>()
            .context("cargo metadata: a package")?;
        Ok(Self {
            root,
            cargo_target,
            packages,
        })
    }

    /// A file or folder of the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The page as trunk builds it.
    pub(crate) fn dist(&self) -> PathBuf {
        self.path("dist")
    }

    /// Flags for rustc that keep this machine's folders out of what ships: a panic names the file it came from.
    pub(crate) fn without_paths(&self) -> String {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
        let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
        let folders = registries.into_iter().flatten().flatten().map(|entry| entry.path());
        let flags = folders
            .chain([self.root.clone()])
            .map(|folder| format!("--remap-path-prefix={}/=", folder.display()));
        flags.collect::<Vec<_>>().join(" ")
    }

    /// A program that cargo built under `profile` (`debug` or `release`).
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.cargo_target.join(profile).join(name)
    }

    /// `cargo ARGS` in the root of the repository.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = cargo();
        command.args(args).current_dir(&self.root);
        command
    }

    /// The version of `name` in Cargo.lock.
    pub(crate) fn locked_version(&self, name: &str) -> Result<String> {
        let lock = fs::read_to_string(self.path("Cargo.lock")).context("Cargo.lock")?;
        locked_version(&lock, name).with_context(|| format!("Cargo.lock has no {name}"))
    }

    /// The version in the Cargo.toml of the workspace's crate `name`.
    pub(crate) fn package_version(&self, name: &str) -> Result<&str> {
        let package = self.packages.iter().find(|package| package.name == name);
        Ok(&package.with_context(|| format!("the workspace has no {name}"))?.version)
    }
}

impl Package {
    fn parse(package: &Value) -> Option<Self> {
        let features = package["features"].as_object()?.keys();
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            version: package["version"].as_str()?.to_owned(),
            features: features.filter(|name| *name != "default").cloned().collect(),
        })
    }
}

/// The cargo that started this command, without the progress bar that only a terminal shows well.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn locked_version(lock: &str, name: &str) -> Option<String> {
    let name = format!("name = \"{name}\"");
    let after = lock.lines().skip_while(|line| *line != name).nth(1)?;
    Some(after.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_exact_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }
}
