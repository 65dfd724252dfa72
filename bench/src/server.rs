//! One server under test: a process of its own on a core of its own, from its first line to its end.

use std::{
    io::Read,
    net::SocketAddr,
    os::fd::AsFd,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    cores::Cores,
    deadline::Deadline,
    peers::Peer,
    proc::{self, Memory},
};

/// A running server. Dropping it stops it.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Kept open, so that it can print.
    _stdout: ChildStdout,
}

impl Server {
    /// Starts `peer` by its command on its core, and waits until it listens.
    pub(crate) fn start(peer: &Peer, mut command: Command, cores: Cores) -> Result<Self> {
        let mut child = cores
            .on_server(|| command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn())?
            .with_context(|| format!("cannot start {}", peer.name))?;
        match listening(&mut child) {
            Ok((address, stdout)) => Ok(Self {
                child,
                address,
                _stdout: stdout,
            }),
            Err(error) => {
                end(&mut child);
                Err(error.context(format!("{} did not start", peer.name)))
            }
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        pid(&self.child)
    }

    /// CPU time it has used so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        proc::cpu_time(self.pid())
    }

    /// Its memory now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::of(self.pid())
    }

    /// Waits until it has next to nothing to do: less than 0.5 % of a core for a second.
    pub(crate) fn until_quiet(&self, deadline: &Deadline) -> Result<()> {
        let mut quiet = 0;
        let mut before = self.cpu_time()?;
        let is_quiet = || {
            let now = self.cpu_time()?;
            quiet = if now - before < QUIET_INTERVAL / 200 {
                quiet + 1
            } else {
                0
            };
            before = now;
            Ok(quiet > 5)
        };
        deadline
            .poll_until(QUIET_INTERVAL, is_quiet)
            .context("the server is still at work")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Runs `command` to its end and returns the first line that it prints.
pub(crate) fn first_line(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let line = child
        .stdout
        .take()
        .context("no pipe")
        .and_then(|mut it| read_line(&mut it, &Deadline::after(START_LIMIT)));
    end(&mut child);
    line.with_context(|| program)
}

fn listening(child: &mut Child) -> Result<(SocketAddr, ChildStdout)> {
    let mut stdout = child.stdout.take().context("no pipe")?;
    let line = read_line(&mut stdout, &Deadline::after(START_LIMIT))?;
    let address = line.strip_prefix("listening on http://").and_then(|it| it.parse().ok());
    Ok((address.with_context(|| format!("it printed {line:?}"))?, stdout))
}

/// The next line that a program prints.
pub(crate) fn read_line(stdout: &mut ChildStdout, deadline: &Deadline) -> Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        deadline.check().context("it printed no line")?;
        let mut poll_fd = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        if poll(&mut poll_fd, PollTimeout::from(100_u8)).unwrap_or(0) == 0 {
            continue;
        }
        let mut byte = [0];
        if stdout.read(&mut byte)? == 0 {
            bail!("it ended before it printed a line");
        }
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

/// SIGTERM, and SIGKILL if that is not enough. It has its time also when this program was asked to end.
pub(crate) fn end(child: &mut Child) {
    // Until it is waited for, its number belongs to no one else.
    let _ = kill(pid(child), Signal::SIGTERM);
    let asked = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if asked.elapsed() > END_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn pid(child: &Child) -> Pid {
    // A process number is far below 2^31: pid_max in proc(5).
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// How long a server may take to print its first line.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How long a server may take to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(8);

const QUIET_INTERVAL: Duration = Duration::from_millis(200);
