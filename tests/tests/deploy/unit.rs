//! What runs the server: the systemd unit, and the Dockerfile.

use std::process::Command;

use tidewire_tests::{Folder, Process};

const UNIT: &str = include_str!("../../../docs/deploy/tidewire.service");
const DOCKERFILE: &str = include_str!("../../../Dockerfile");

/// The value of a setting, which is there once.
fn setting(name: &str) -> &'static str {
    let mut values = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("{name}"));
    assert_eq!(values.next(), None, "{name}");
    value
}

#[tokio::test]
async fn the_unit_waits_for_all_that_the_server_does_at_its_end() {
    let (help, ..) = Process::run(&["--help"]).await;
    let seconds = |option: &str| -> u64 {
        let (_, after) = help.split_once(option).expect("an option");
        let (_, after) = after.split_once("[default: ").expect("a default");
        after.split_once("s]").expect("seconds").0.parse().expect("a number")
    };
    let stop: u64 = setting("TimeoutStopSec").parse().expect("seconds");
    let end = seconds("--drain <TIME>") + seconds("--close-timeout <TIME>");
    assert!(stop > end, "{stop} s for {end} s");
}

#[test]
fn systemd_takes_the_unit_and_finds_little_that_it_may_do() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("no systemd-analyze here");
        return;
    }
    let folder = Folder::new();
    let path = folder.write("tidewire.service", UNIT.replace("/usr/local/bin/tidewire", "/bin/true"));
    assert_eq!(analyze(&["verify"], &path), "");
    // Of 100, the more the worse; a unit without any of this has 96.
    analyze(&["security", "--offline=true", "--threshold=20"], &path);
}

/// What it complains of.
fn analyze(arguments: &[&str], path: &str) -> String {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(path)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{complaints}");
    complaints
}

#[tokio::test]
async fn the_dockerfiles_health_check_tells_a_server_from_none() {
    let (_, check) = DOCKERFILE.split_once("HEALTHCHECK ").expect("a health check");
    let (_, words) = check
        .lines()
        .next()
        .and_then(|line| line.split_once("CMD "))
        .expect("a command");
    let words: Vec<String> = serde_json::from_str(words).expect("words");
    let process = Process::start(&[], &[]).await;
    for (port, is_healthy) in [(process.address.port(), true), (1, false)] {
        let words = words.iter().map(|word| word.replace("/8080", &format!("/{port}")));
        let mut words = words.collect::<Vec<_>>().into_iter();
        let mut command = tokio::process::Command::new(words.next().expect("a program"));
        let status = command.args(words).status().await.expect("it starts");
        assert_eq!(status.success(), is_healthy, "port {port}");
    }
}

#[test]
fn the_dockerfile_builds_with_the_compiler_that_the_project_asks_for() {
    let wanted = concat!("rust:", env!("CARGO_PKG_RUST_VERSION"), "-slim");
    assert!(DOCKERFILE.contains(wanted), "{wanted}");
}
