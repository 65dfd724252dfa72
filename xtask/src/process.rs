//! Child processes: each in a process group of its own, which ends as a whole.
//!
//! A terminal's Ctrl-C reaches this program alone. It passes it on as SIGTERM to every group, and as SIGKILL to what is
//! still there [`GRACE`] later or at a second Ctrl-C. When the first process of a group ends, what it left behind in
//! the group is killed.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How long a group has between SIGTERM and SIGKILL; the server itself takes at most 5 s.
const GRACE: Duration = Duration::from_secs(8);

/// How often a running command is looked at while it prints nothing.
const TICK: Duration = Duration::from_millis(100);

/// What is kept of a command's output: its last part, in bytes.
const KEPT_OUTPUT: usize = 4 << 20;

static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: Vec::new(),
    stopping: false,
});

struct Running {
    groups: Vec<Pid>,
    stopping: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP end every group.
pub(crate) fn end_all_on_signal() -> Result<()> {
    ctrlc::set_handler(|| {
        let again = std::mem::replace(&mut running().stopping, true);
        signal_all(if again { Signal::KILL } else { Signal::TERM });
        if !again {
            thread::spawn(|| {
                thread::sleep(GRACE);
                signal_all(Signal::KILL);
            });
        }
    })
    .context("cannot handle signals")
}

fn signal_all(signal: Signal) {
    for &group in &running().groups {
        // A group that has just ended is no error.
        let _ = kill_process_group(group, signal);
    }
}

/// Whether a signal asked this program to end.
pub(crate) fn is_stopping() -> bool {
    running().stopping
}

/// A child process with everything that it starts. Dropping it ends them all.
pub(crate) struct Group {
    child: Child,
    id: Pid,
    ended: bool,
}

impl Group {
    /// Starts `command` without a terminal to read from: its standard input is empty unless it is piped.
    pub(crate) fn spawn(mut command: Command, stdin: Stdio) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let program = command.get_program().to_string_lossy().into_owned();
        // Held until the child is registered, so that a signal finds either no child or a registered one.
        let mut running = running();
        if running.stopping {
            bail!("stopped");
        }
        let child = command
            .stdin(stdin)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let id = Pid::from_child(&child);
        running.groups.push(id);
        Ok(Self {
            child,
            id,
            ended: false,
        })
    }

    /// The pipe to its standard input, once.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// For each of `prefixes` in turn, the rest of the first line of its piped standard output that begins so. What it
    /// prints later is read and thrown away, so that it never blocks on a full pipe.
    pub(crate) fn read_lines(&mut self, prefixes: &[&str], within: Duration) -> Result<Vec<String>> {
        let stdout = self.child.stdout.take().context("its standard output is not piped")?;
        let (sender, lines) = mpsc::sync_channel(64);
        thread::spawn(move || forward_lines(BufReader::new(stdout), &sender));
        let deadline = Instant::now() + within;
        let mut found = Vec::new();
        for prefix in prefixes {
            found.push(loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let line: String = lines.recv_timeout(left).map_err(|_| {
                    anyhow!(
                        "it ended, or {} s passed, without printing `{prefix}…`",
                        within.as_secs()
                    )
                })?;
                if let Some(rest) = line.strip_prefix(prefix) {
                    break rest.trim().to_owned();
                }
            });
        }
        thread::spawn(move || lines.into_iter().for_each(drop));
        Ok(found)
    }

    /// Whether its first process has ended.
    fn has_ended(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(self.id), options)?.is_some())
    }

    /// Waits for its first process, then kills what that left behind.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        waitid(WaitId::Pid(self.id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        Ok(self.reap()?)
    }

    /// Asks it to end, and kills it if it does not within [`GRACE`].
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        Ok(self.end()?)
    }

    fn end(&mut self) -> io::Result<ExitStatus> {
        let _ = kill_process_group(self.id, Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && matches!(self.has_ended(), Ok(false)) {
            thread::sleep(TICK / 10);
        }
        self.reap()
    }

    /// Kills the group and collects its first process. Until it is collected its number belongs to no one else, so no
    /// stranger is killed.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        let mut running = running();
        let _ = kill_process_group(self.id, Signal::KILL);
        self.ended = true;
        running.groups.retain(|&group| group != self.id);
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end();
        }
    }
}

/// How a command went.
pub(crate) struct Finished {
    pub(crate) success: bool,
    /// Standard output and standard error together, the last [`KEPT_OUTPUT`] bytes.
    pub(crate) output: String,
}

/// Runs `command` to its end, or kills it after `limit`. `watch` sees each line as it is printed, and `None` now and
/// then when there is none.
pub(crate) fn run(mut command: Command, limit: Duration, mut watch: impl FnMut(Option<&str>)) -> Result<Finished> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let group = Group::spawn(command, Stdio::null())?;
    let (sender, lines) = mpsc::sync_channel(256);
    thread::spawn(move || forward_lines(BufReader::new(reader), &sender));
    let deadline = Instant::now() + limit;
    let mut output = String::new();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                watch(Some(&line));
                keep(&mut output, &line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if group.has_ended()? => break,
            Err(RecvTimeoutError::Timeout) => watch(None),
        }
        if Instant::now() > deadline {
            group.stop()?;
            keep(
                &mut output,
                &format!("(ended after its limit of {} s)", limit.as_secs()),
            );
            return Ok(Finished { success: false, output });
        }
    }
    let status = group.wait()?;
    lines.try_iter().for_each(|line| keep(&mut output, &line));
    if is_stopping() {
        bail!("stopped");
    }
    Ok(Finished {
        success: status.success(),
        output,
    })
}

/// Lines end with a line feed, or with the carriage return of a progress bar.
fn forward_lines(mut from: BufReader<impl Read>, to: &SyncSender<String>) {
    let mut line = Vec::new();
    loop {
        let Ok(buffer) = from.fill_buf() else { return };
        if buffer.is_empty() {
            let _ = to.send(String::from_utf8_lossy(&line).into_owned());
            return;
        }
        let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        line.extend_from_slice(&buffer[..end.unwrap_or(buffer.len())]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        from.consume(used);
        if end.is_some() || line.len() > KEPT_OUTPUT {
            if to.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    }
}

fn keep(output: &mut String, line: &str) {
    if line.is_empty() || crate::progress::is_bar(line) {
        return;
    }
    output.push_str(line);
    output.push('\n');
    if output.len() > 2 * KEPT_OUTPUT {
        let cut = (output.len() - KEPT_OUTPUT..)
            .find(|&at| output.is_char_boundary(at))
            .unwrap_or(output.len());
        output.drain(..cut);
    }
}
