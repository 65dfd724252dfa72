//! The `tidewire` binary as a process of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::within;

/// Options of a server to which one address does what thousands do elsewhere.
pub const UNLIMITED: [&str; 9] = [
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

/// A running `tidewire`. It ends with its value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it speaks there: `http` or `https`.
    pub scheme: String,
}

impl Process {
    /// Starts it on a free port and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env("TIDEWIRE_LISTEN", "127.0.0.1:0")
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        Self::listening(command).await
    }

    /// Builds one of the server's examples, starts it on a free port, and waits until it accepts connections. Such a program
    /// ends with its standard input.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn start_example(name: &str) -> Self {
        build(&["--example", name]);
        let mut command = Command::new(built(&format!("examples/{name}")));
        command.arg("0").stdin(Stdio::piped());
        Self::listening(command).await
    }

    async fn listening(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = within(stdout.next_line()).await.expect("its output").expect("a line");
        let url = line.strip_prefix("listening on ").and_then(|it| it.split_once("://"));
        let (scheme, address) = url.unwrap_or_else(|| panic!("unexpected line: {line}"));
        Self {
            child,
            stdout,
            stderr,
            address: address.parse().expect("an address"),
            scheme: scheme.to_owned(),
        }
    }

    /// Runs it to its end: what it wrote on standard output and on standard error, and how it ended.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn run(arguments: &[&str]) -> (String, String, ExitStatus) {
        let output = Command::new(binary()).args(arguments).kill_on_drop(true).output();
        let output = within(output).await.expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr), output.status)
    }

    /// The same with so many open files at most: what it wrote.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn run_with_files(files: usize, arguments: &[&str]) -> (String, String) {
        let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command
            .args(["-c", &limited])
            .arg(binary())
            .args(arguments)
            .kill_on_drop(true);
        let output = within(command.output()).await.expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr))
    }

    /// Sends a signal, by its name without `SIG`.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(within(status).await.expect("kill").success());
    }

    /// Its resident memory.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn resident_bytes(&self) -> usize {
        self.memory("VmRSS:")
    }

    /// The most resident memory that it has had.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn peak_resident_bytes(&self) -> usize {
        self.memory("VmHWM:")
    }

    /// A field of `/proc/PID/status`: see proc(5).
    #[cfg(target_os = "linux")]
    fn memory(&self, field: &str) -> usize {
        let pid = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes: usize = line
            .and_then(|it| it.trim().strip_suffix(" kB")?.parse().ok())
            .expect("a number");
        kilobytes << 10
    }

    /// Waits for its end: how it ended, and what it wrote since it listened, on standard output and standard error.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn ended(mut self) -> (ExitStatus, Vec<String>, String) {
        let mut log = String::new();
        within(self.stderr.read_to_string(&mut log)).await.expect("text");
        let mut lines = Vec::new();
        while let Some(line) = within(self.stdout.next_line()).await.expect("text") {
            lines.push(line);
        }
        (within(self.child.wait()).await.expect("its end"), lines, log)
    }
}

/// The binary beside this test's own, built once if it is not there or not up to date.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        build(&["--bin", "tidewire"]);
        built("tidewire")
    })
}

fn build(what: &[&str]) {
    let mut command = std::process::Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", "tidewire-server"])
        .args(what);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    assert!(command.status().expect("cargo").success(), "cannot build {what:?}");
}

fn built(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    // A test is target/debug/deps/test-hash, a program of ours target/debug/program.
    let mut folders = this.ancestors().skip(1).filter(|folder| !folder.ends_with("deps"));
    folders.next().expect("a folder").join(name)
}
