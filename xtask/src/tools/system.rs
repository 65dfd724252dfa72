//! What the system has, and its package manager.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

/// A program on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path: &PathBuf| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// `apt-get` with the rights to change the system; `None` where it is not to be had without a password.
pub(super) fn apt_get(args: &[&str]) -> Option<Command> {
    let prefix = superuser()?;
    let mut words = prefix
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words).args(args);
    Some(command)
}

/// What to put before `apt-get`: nothing for root, `sudo -n` where that asks for no password.
fn superuser() -> Option<&'static [&'static str]> {
    on_path("apt-get")?;
    if geteuid().is_root() {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}
