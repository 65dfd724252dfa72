//! The server that the browser tests talk to, for as long as they run.

use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Group;
use crate::workspace::Workspace;

/// A running fixture server. Dropping it ends it.
pub(crate) struct Fixture {
    /// `http://ADDR` of the server.
    pub(crate) url: String,
    /// `http://ADDR` of a port at which nobody listens.
    pub(crate) refused: String,
    _group: Group,
    /// It serves until this is closed, so it ends even if this program is killed.
    _stdin: ChildStdin,
}

impl Fixture {
    /// Starts the built fixture server on a free port.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        let mut command = Command::new(workspace.binary("debug", "fixture"));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = Group::spawn(command, Stdio::piped())?;
        let stdin = group.take_stdin().context("the fixture server has no standard input")?;
        let lines = group.read_lines(&["listening on ", "refused "], Duration::from_secs(20));
        let [url, refused] = <[String; 2]>::try_from(lines.context("the fixture server")?)
            .map_err(|_| anyhow::anyhow!("the fixture server printed no addresses"))?;
        Ok(Self {
            url,
            refused,
            _group: group,
            _stdin: stdin,
        })
    }
}
