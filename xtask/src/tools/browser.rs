//! Chromium and the WebDriver that belongs to it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::system::{apt_get, on_path};
use super::version_of;
use crate::task::Task;

/// A browser with a driver of the same version.
pub(crate) struct Browser {
    /// Chromium, or Chrome.
    pub(crate) program: PathBuf,
    /// chromedriver.
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Looks at `$CHROME` and `$CHROMEDRIVER` first, then on PATH.
    pub(super) fn find() -> Result<Option<Self>> {
        let Some(driver) = from_env("CHROMEDRIVER")?.or_else(|| on_path("chromedriver")) else {
            return Ok(None);
        };
        let Some(version) = version_of(&driver).as_deref().and_then(major) else {
            return Ok(None);
        };
        let named = from_env("CHROME")?;
        let found = NAMES.iter().filter_map(|name| on_path(name));
        let fits = |program: &PathBuf| version_of(program).as_deref().and_then(major) == Some(version);
        Ok(named
            .into_iter()
            .chain(found)
            .find(fits)
            .map(|program| Self { program, driver }))
    }

    /// What the runner of the wasm tests asks chromedriver for.
    pub(crate) fn capabilities(&self) -> String {
        json!({ "goog:chromeOptions": { "args": FLAGS, "binary": self.program } }).to_string()
    }
}

/// Installs both with apt-get, or says in one sentence what to install.
pub(super) fn install(task: &mut Task<'_>) -> Result<()> {
    let install = [&["install", "--yes", "--no-install-recommends"], PACKAGES].concat();
    let (Some(update), Some(install)) = (apt_get(&["update"]), apt_get(&install)) else {
        bail!(
            "Chromium and its chromedriver were not found, or not of one version, and apt-get cannot be used here: \
             install both (on Debian the packages {}), or name them in CHROME and CHROMEDRIVER",
            PACKAGES.join(" and ")
        );
    };
    task.run(update)?;
    task.run(install)?;
    ensure!(
        Browser::find()?.is_some(),
        "apt-get installed {}, but they do not work together",
        PACKAGES.join(" and ")
    );
    Ok(())
}

fn from_env(name: &str) -> Result<Option<PathBuf>> {
    let Some(value) = env::var_os(name).filter(|value: &OsString| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(value);
    ensure!(path.is_file(), "{name} is {}, which is no file", path.display());
    Ok(Some(path))
}

/// `156` of `Chromium 156.0.8078.79 built on Debian`.
fn major(version: &str) -> Option<u32> {
    version
        .split_whitespace()
        .find_map(|word| word.split_once('.')?.0.parse().ok())
}

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PACKAGES: &[&str] = &["chromium", "chromium-driver"];

/// Without a window, in a container and as root; and without traffic of the browser's own.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    // Tests of what the collector does ask for it.
    "--js-flags=--expose-gc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_driver_are_compared_by_their_major_version() {
        assert_eq!(
            major("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"),
            Some(156)
        );
        assert_eq!(
            major("ChromeDriver 156.0.8078.79 (0123abcd-refs/branch-heads/8078@{#1})"),
            Some(156)
        );
        assert_eq!(major("no version"), None);
    }
}
