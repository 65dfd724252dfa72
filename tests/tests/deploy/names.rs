//! What the files for operators name: each option and variable must be there, and each command line must work.

use tidewire_tests::{Folder, Process, Raw, tokens};

const DOCKERFILE: &str = include_str!("../../../Dockerfile");

const GUIDE: &str = include_str!("../../../docs/deploy/README.md");

const FILES: [(&str, &str); 8] = [
    ("Dockerfile", DOCKERFILE),
    (
        "tidewire.service",
        include_str!("../../../docs/deploy/tidewire.service"),
    ),
    ("nginx.conf", include_str!("../../../docs/deploy/nginx.conf")),
    ("Caddyfile", include_str!("../../../docs/deploy/Caddyfile")),
    ("docs/deploy/README.md", GUIDE),
    ("docs/ACCESS.md", include_str!("../../../docs/ACCESS.md")),
    ("docs/LIMITS.md", include_str!("../../../docs/LIMITS.md")),
    ("README.md", include_str!("../../../README.md")),
];

/// Options of cargo, its tasks, trunk and Docker.
const OF_OTHERS: [&str; 13] = [
    "--example",
    "--from",
    "--interval",
    "--locked",
    "--mount",
    "--now",
    "--package",
    "--publish",
    "--release",
    "--seeds",
    "--stop-timeout",
    "--tag",
    "--timeout",
];

#[tokio::test]
async fn options_and_variables_are_those_of_the_binary() {
    let (help, ..) = Process::run(&["--help"]).await;
    let (of_tokens, ..) = Process::run(&["token", "--help"]).await;
    let help = words(&(help + &of_tokens));
    for (file, text) in FILES {
        let named = words(text);
        let named = named
            .iter()
            .filter(|word| is_option(word) || word.starts_with("TIDEWIRE_"));
        for name in named.filter(|name| !OF_OTHERS.contains(&name.as_str())) {
            assert!(help.contains(name), "{file}: {name}");
        }
    }
}

#[tokio::test]
async fn what_is_to_be_watched_is_counted() {
    let process = Process::start(&[], &[]).await;
    let request = ["GET /metrics HTTP/1.1".to_owned(), "Host: localhost".to_owned()];
    let (_, metrics) = Raw::connect(process.address).await.exchange(&request, b"").await;
    let metrics = words(&String::from_utf8(metrics).expect("text"));
    let watched = words(GUIDE);
    let mut watched = watched.iter().filter(|word| word.starts_with("tidewire_")).peekable();
    assert!(watched.peek().is_some());
    for name in watched {
        assert!(metrics.contains(name), "{name}");
    }
}

/// Not a line of a table.
fn is_option(word: &str) -> bool {
    let name = word.strip_prefix("--");
    name.is_some_and(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// What may be an option or a variable.
fn words(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let words = text.split(|letter| !is_part(letter)).filter(|word| word.len() > 2);
    words.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_images_command_lines_start_a_server() {
    let secrets = Folder::new();
    secrets.write("jwt-secret", tokens::SECRET);
    secrets.write("api-keys", "0123456789abcdef0123456789abcdef\n");
    let runs = DOCKERFILE
        .lines()
        .filter_map(|line| line.strip_prefix("#     docker run "));
    let runs: Vec<&str> = runs.collect();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let (_, arguments) = run.split_once(" tidewire ").expect("the image's name");
        let arguments = arguments.replace("/run/secrets", secrets.path().to_str().expect("a path"));
        let arguments: Vec<&str> = arguments.split(' ').collect();
        // As the image says, and on a free port.
        let process = Process::start(&arguments, &[("TIDEWIRE_LISTEN", "0.0.0.0:0")]).await;
        assert!(process.address.ip().is_unspecified());
    }
    assert!(DOCKERFILE.contains("\nENV TIDEWIRE_LISTEN=0.0.0.0:8080\n"));
}
