//! A server as a process of its own: started, looked at, ended.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::peer::within;

/// A running server. It ends with its value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a `tidewire` with short deadlines on a free port, and these limits.
    pub(crate) async fn start(binary: &Path, max_message_bytes: usize, limits: &Limits) -> Result<Self> {
        let mut child = Command::new(binary)
            .envs(SETTINGS.iter().copied())
            .envs(limits.iter().copied())
            .env("TIDEWIRE_MAX_MESSAGE_BYTES", max_message_bytes.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(keep(stderr, Arc::clone(&log)));
        }
        let mut stdout = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let line = within("its first line", stdout.next_line()).await??.unwrap_or_default();
        let address = line.strip_prefix("listening on http://").and_then(|it| it.parse().ok());
        let address = address.with_context(|| format!("unexpected line: {line} {:?}", lines(&log)))?;
        Ok(Self { child, address, log })
    }

    /// # Errors
    ///
    /// When it has ended, or a thread or task of it panicked.
    pub(crate) fn check(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(
            ended.is_none(),
            "the server has ended: {ended:?} {:?}",
            lines(&self.log)
        );
        let panics: Vec<_> = lines(&self.log)
            .into_iter()
            .filter(|it| it.contains("panicked"))
            .collect();
        ensure!(panics.is_empty(), "the server panicked: {panics:?}");
        Ok(())
    }

    pub(crate) fn process(&self) -> Result<Process> {
        Ok(Process(self.child.id().context("the server has ended")?))
    }
}

/// A process, by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Its resident memory in KiB: `VmRSS`, see proc(5).
    pub(crate) fn resident(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("the server has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.context("no VmRSS")
    }

    /// How many files and sockets it has.
    pub(crate) fn descriptors(self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0))
            .context("the server has ended")?
            .count())
    }
}

/// Keeps the first lines of the log, and reads them all, so that the server never waits for a reader.
async fn keep(from: impl AsyncRead + Unpin, log: Arc<Mutex<Vec<String>>>) {
    let mut from = BufReader::new(from).lines();
    while let Ok(Some(line)) = from.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < MAX_LINES || line.contains("panicked") {
            log.push(line);
        }
    }
}

fn lines(log: &Mutex<Vec<String>>) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

const MAX_LINES: usize = 100;

const SETTINGS: &[(&str, &str)] = &[
    ("TIDEWIRE_LISTEN", "127.0.0.1:0"),
    ("TIDEWIRE_LOG", "error"),
    ("TIDEWIRE_HANDSHAKE_TIMEOUT", "1s"),
    ("TIDEWIRE_BODY_TIMEOUT", "1s"),
    ("TIDEWIRE_HELLO_TIMEOUT", "1s"),
    ("TIDEWIRE_CLOSE_TIMEOUT", "1s"),
    ("TIDEWIRE_STALL_TIMEOUT", "2s"),
    ("TIDEWIRE_PING_INTERVAL", "1s"),
    ("TIDEWIRE_SILENCE_TIMEOUT", "3s"),
    ("TIDEWIRE_SESSION_TTL", "1s"),
    ("TIDEWIRE_ROOM_AGE", "1s"),
    ("TIDEWIRE_ROOM_TTL", "1s"),
    ("TIDEWIRE_PRESENCE_GRACE", "1s"),
    ("TIDEWIRE_MAX_ROOMS", "2000"),
    ("TIDEWIRE_BACKLOG_BYTES", "1048576"),
];

/// Settings, as variables of the environment.
pub(crate) type Limits = [(&'static str, &'static str)];

/// All that comes from one address is attacked with, and is let in.
pub(crate) const NO_LIMITS: &Limits = &[
    ("TIDEWIRE_MAX_CONNECTIONS", "none"),
    ("TIDEWIRE_MAX_CONNECTIONS_PER_ADDRESS", "none"),
    ("TIDEWIRE_MAX_SESSIONS_PER_ADDRESS", "none"),
    ("TIDEWIRE_HANDSHAKES", "none"),
    ("TIDEWIRE_NEW_ROOMS", "none"),
    ("TIDEWIRE_SESSION_MESSAGES", "none"),
    ("TIDEWIRE_SESSION_BYTES", "none"),
    ("TIDEWIRE_ADDRESS_MESSAGES", "none"),
    ("TIDEWIRE_ADDRESS_BYTES", "none"),
];

/// Each is soon reached, and more than good peers need.
pub(crate) const NARROW_LIMITS: &Limits = &[
    ("TIDEWIRE_MAX_CONNECTIONS", "300"),
    ("TIDEWIRE_MAX_CONNECTIONS_PER_ADDRESS", "50"),
    ("TIDEWIRE_MAX_SESSIONS_PER_ADDRESS", "20"),
    ("TIDEWIRE_HANDSHAKES", "50:150"),
    ("TIDEWIRE_NEW_ROOMS", "5:20"),
    ("TIDEWIRE_SESSION_MESSAGES", "50:200"),
    ("TIDEWIRE_ADDRESS_MESSAGES", "100:400"),
];
