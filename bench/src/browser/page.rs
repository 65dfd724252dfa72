//! The page, by way of the program in Node that drives Chromium: `page/drive.mjs`.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{deadline::Deadline, server};

/// A page with a client of each peer. Dropping it ends the browser.
pub(crate) struct Page {
    driver: Child,
    stdout: ChildStdout,
    /// What the browser says it is.
    pub(crate) browser: String,
    /// The port that the page is from, of this machine.
    pub(crate) port: u16,
}

/// What the page is to hear.
#[derive(Serialize)]
pub(crate) struct Turn {
    pub(crate) peer: &'static str,
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// How many messages, and of how many bytes each.
    pub(crate) messages: u32,
    pub(crate) bytes: u32,
}

/// What it took the page to hear a burst.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Heard {
    /// From the first message handled to the last, in milliseconds.
    pub(crate) elapsed: f64,
    /// CPU time of the page's main thread, in milliseconds.
    pub(crate) main_thread: f64,
    /// CPU time of all the browser's processes, in milliseconds.
    pub(crate) browser: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reply {
    Ready { browser: String, port: u16 },
    Joined,
    Heard(Heard),
    Failed(String),
}

impl Page {
    /// Starts the browser and loads the page from a port, on the load generator's core; port 0 is a free one.
    pub(crate) fn open(port: u16, deadline: &Deadline) -> Result<Self> {
        let mut driver = Command::new("node")
            .args([DRIVER, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let stdout = driver.stdout.take().context("no pipe")?;
        let mut page = Self {
            driver,
            stdout,
            browser: String::new(),
            port,
        };
        match page.reply(deadline)? {
            Reply::Ready { browser, port } => (page.browser, page.port) = (browser, port),
            _ => bail!("the page is not ready"),
        }
        Ok(page)
    }

    /// Has the page connect to a server and join its room.
    pub(crate) fn begin(&mut self, turn: &Turn) -> Result<()> {
        let line = serde_json::to_string(turn)? + "\n";
        let stdin = self.driver.stdin.as_mut().context("no pipe")?;
        Ok(stdin.write_all(line.as_bytes())?)
    }

    /// Waits until it has.
    pub(crate) fn joined(&mut self, deadline: &Deadline) -> Result<()> {
        match self.reply(deadline)? {
            Reply::Joined => Ok(()),
            _ => bail!("the page did not join"),
        }
    }

    /// Waits until it has handled the burst.
    pub(crate) fn heard(&mut self, deadline: &Deadline) -> Result<Heard> {
        match self.reply(deadline)? {
            Reply::Heard(heard) => Ok(heard),
            _ => bail!("the page did not hear the burst"),
        }
    }

    fn reply(&mut self, deadline: &Deadline) -> Result<Reply> {
        let line = server::read_line(&mut self.stdout, deadline)?;
        match serde_json::from_str(&line).with_context(|| format!("the page said {line:?}"))? {
            Reply::Failed(reason) => bail!(reason),
            reply => Ok(reply),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // At the end of its input it closes the browser.
        drop(self.driver.stdin.take());
        server::end(&mut self.driver);
    }
}

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/page/drive.mjs");
