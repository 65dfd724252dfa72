//! Who is measured. Each peer is a program that prints `listening on http://ADDR` as its first line, has `/chat` there,
//! ends at SIGTERM, and with `--version` prints a line that says what it is.

mod tidewire;
mod ws;

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::server::first_line;

/// The peers there are, in the order of their rows.
pub(crate) const NAMES: [&str; 2] = ["tidewire", "ws"];

/// A server to be measured.
pub(crate) struct Peer {
    /// What its row is called.
    pub(crate) name: &'static str,
    program: std::path::PathBuf,
    /// Arguments that come first in any case, such as a script.
    script: Vec<String>,
    /// Arguments that make it serve.
    serve: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Peer {
    fn new(name: &'static str, program: impl AsRef<Path>) -> Self {
        Self {
            name,
            program: program.as_ref().to_owned(),
            script: Vec::new(),
            serve: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Serves on a free port.
    pub(crate) fn command(&self) -> Command {
        self.with(&self.serve)
    }

    /// What it says it is.
    pub(crate) fn version(&self) -> Result<String> {
        first_line(self.with(&["--version".to_owned()]))
            .with_context(|| format!("cannot run the peer {0}; `--peers` chooses others", self.name))
    }

    fn with(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.script)
            .args(arguments)
            .envs(self.environment.iter().copied());
        command
    }
}

/// The peers of these names; `server` is Tidewire's program.
pub(crate) fn select(names: &[String], server: &Path) -> Result<Vec<Peer>> {
    let select = |name: &String| match name.as_str() {
        "tidewire" => Some(tidewire::peer(server)),
        "ws" => Some(ws::peer()),
        _ => None,
    };
    names
        .iter()
        .map(|name| select(name).with_context(|| format!("no peer is called {name}; there are {NAMES:?}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_peer() {
        let names = NAMES.map(str::to_owned);
        let peers = select(&names, Path::new("tidewire")).expect("all are known");
        assert!(peers.iter().map(|peer| peer.name).eq(NAMES));
        assert!(select(&["nobody".to_owned()], Path::new("tidewire")).is_err());
    }
}
