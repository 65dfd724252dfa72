//! Who is measured. Each peer is a program that prints `listening on http://ADDR` as its first line, speaks its dialect
//! there, ends at SIGTERM, and with `--version` prints a line that says what it is.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{line::Dialect, server::first_line};

/// The peers there are, in the order of their rows.
pub(crate) const NAMES: [&str; 7] = [
    "floor-coalescing",
    "floor",
    "tidewire",
    "tidewire-ws",
    "axum",
    "socketio",
    "ws",
];

/// A server to be measured.
pub(crate) struct Peer {
    /// What its row is called.
    pub(crate) name: &'static str,
    /// How it is spoken to.
    pub(crate) dialect: Dialect,
    program: PathBuf,
    /// Arguments that come first in any case, such as a script.
    script: Vec<String>,
    /// Arguments that make it serve.
    serve: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

/// Where programs of this project are.
pub(crate) struct Programs {
    /// `tidewire`.
    pub(crate) server: PathBuf,
    /// `tidewire-peer`, the peers that are written in Rust.
    pub(crate) peers: PathBuf,
}

impl Peer {
    /// The peer of this name.
    fn find(name: &str, programs: &Programs) -> Option<Self> {
        let name = NAMES.into_iter().find(|&it| it == name)?;
        Some(match name {
            "tidewire" => Self::tidewire(name, Dialect::Plain, &programs.server),
            "tidewire-ws" => Self::tidewire(name, Dialect::Rooms, &programs.server),
            "ws" => Self::script(name, Dialect::Plain, "node".as_ref(), WS),
            "socketio" => Self::script(name, Dialect::SocketIo, "node".as_ref(), SOCKET_IO),
            name => Self::script(name, Dialect::Plain, &programs.peers, name),
        })
    }

    /// This project's server, built for release.
    fn tidewire(name: &'static str, dialect: Dialect, program: &Path) -> Self {
        Self {
            name,
            dialect,
            program: program.to_owned(),
            script: Vec::new(),
            serve: &TIDEWIRE,
            // Its start and its end are no news here.
            environment: &[("TIDEWIRE_LOG", "warn"), ("TIDEWIRE_DRAIN", "0s")],
        }
    }

    fn script(name: &'static str, dialect: Dialect, program: &Path, script: &str) -> Self {
        Self {
            name,
            dialect,
            program: program.to_owned(),
            script: vec![script.to_owned()],
            serve: &[],
            environment: &[],
        }
    }

    /// Serves on a free port.
    pub(crate) fn command(&self) -> Command {
        self.with(self.serve)
    }

    /// What it says it is.
    pub(crate) fn version(&self) -> Result<String> {
        first_line(self.with(&["--version"]))
            .with_context(|| format!("cannot run the peer {0}; `--peers` chooses others", self.name))
    }

    fn with(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.script)
            .args(arguments)
            .envs(self.environment.iter().copied());
        command
    }
}

/// All clients are at one address, and do what thousands do elsewhere.
const TIDEWIRE: [&str; 10] = [
    "--listen=127.0.0.1:0",
    "--max-connections-per-address=none",
    "--max-sessions-per-address=none",
    "--handshakes=none",
    "--new-rooms=none",
    "--max-members=none",
    "--session-messages=none",
    "--session-bytes=none",
    "--address-messages=none",
    "--address-bytes=none",
];

/// The peers of these names.
pub(crate) fn select(names: &[String], programs: &Programs) -> Result<Vec<Peer>> {
    let select = |name: &String| {
        Peer::find(name, programs).with_context(|| format!("no peer is called {name}; there are {NAMES:?}"))
    };
    names.iter().map(select).collect()
}

const WS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/ws.mjs");
const SOCKET_IO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/socketio.mjs");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_peer() {
        let programs = Programs {
            server: "tidewire".into(),
            peers: "tidewire-peer".into(),
        };
        let peers = select(&NAMES.map(str::to_owned), &programs).expect("all are known");
        assert!(peers.iter().map(|peer| peer.name).eq(NAMES));
        assert!(select(&["nobody".to_owned()], &programs).is_err());
    }
}
