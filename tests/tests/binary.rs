//! The `tidewire` binary: its options, its output, its page.

use std::path::PathBuf;

use http::StatusCode;
use tidewire_tests::{Authority, Client, Head, Process, Raw, until};
use tokio_tungstenite::tungstenite::Message;

async fn get(process: &Process, path: &str, header: &str) -> Head {
    let request = [format!("GET {path} HTTP/1.1"), "Host: localhost".into(), header.into()];
    Raw::connect(process.address).await.request(&request).await
}

/// A directory with a page in it; it is removed with its value.
struct Page(PathBuf);

impl Page {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tidewire-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        for (file, content) in [
            ("index.html", "<!doctype html><title>page</title>"),
            ("app-0123456789abcdef.js", "export {}"),
            ("app-0123456789abcdef_bg.wasm", "\0asm\u{1}\0\0\0"),
            ("style-0123456789abcdef.css", "a{}"),
            ("plain.txt", "text"),
        ] {
            std::fs::write(directory.join(file), content).expect("a file");
        }
        Self(directory)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn help_explains_every_option_with_its_default() {
    let (help, _, status) = Process::run(&["--help"]).await;
    assert!(status.success());
    for expected in [
        "--listen <ADDR>",
        "[default: 127.0.0.1:8080]",
        "[env: TIDEWIRE_LISTEN=]",
        "--www <DIR>",
        "--max-message-bytes <BYTES>",
        "[default: 1048576]",
        "--handshake-timeout <TIME>",
        "[default: 10s]",
        "--stall-timeout <TIME>",
        "[default: 30s]",
        "--log-format <FORMAT>",
    ] {
        assert!(help.contains(expected), "{expected} in\n{help}");
    }
}

#[tokio::test]
async fn a_bad_option_is_told_with_what_is_wrong() {
    for (arguments, expected) in [
        (["--listen", "nowhere"], "--listen"),
        (["--max-message-bytes", "many"], "--max-message-bytes"),
        (["--handshake-timeout", "soon"], "--handshake-timeout"),
        (["--www", "/no/such/directory"], "not a directory"),
        (["--log-format", "xml"], "--log-format"),
    ] {
        let (_, error, status) = Process::run(&arguments).await;
        assert!(!status.success() && error.contains(expected), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let process = Process::start(&[], &[]).await;
    let address = process.address.to_string();
    let (output, error, status) = Process::run(&["--listen", &address]).await;
    assert!(!status.success() && output.is_empty());
    assert!(error.contains(&address), "{error}");
}

#[tokio::test]
async fn standard_output_has_one_line_and_the_log_goes_to_standard_error() {
    let process = Process::start(&["--log-format", "json", "--log", "trace"], &[]).await;
    let mut client = Client::connect(process.address, "/chat").await;
    client.send(Message::text("a secret")).await;
    for expected in ["Welcome to the WebSocket server!", "Server received: a secret"] {
        assert_eq!(client.text().await, expected);
    }
    client.close().await;
    process.signal("TERM").await;
    let (status, lines, log) = process.ended().await;
    assert!(status.success() && lines.is_empty(), "{lines:?}");
    assert!(log.contains("connection ended"), "{log}");
    assert!(!log.contains("secret"), "what people say is not logged");
    for line in log.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
}

#[tokio::test]
async fn options_can_be_given_in_the_environment() {
    let process = Process::start(&[], &[("TIDEWIRE_MAX_MESSAGE_BYTES", "10")]).await;
    let mut client = Client::connect(process.address, "/echo").await;
    client.send(Message::text("0123456789")).await;
    assert_eq!(client.text().await, "0123456789");
    client.send(Message::text("0123456789a")).await;
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn a_page_is_served_with_types_and_caching_headers() {
    const FOR_EVER: &str = "public, max-age=31536000, immutable";
    let page = Page::new("types");
    let process = Process::start(&["--www", page.path()], &[]).await;
    for (path, kind, caching) in [
        ("/", "text/html", "no-cache"),
        ("/index.html", "text/html", "no-cache"),
        ("/app-0123456789abcdef.js", "text/javascript", FOR_EVER),
        ("/app-0123456789abcdef_bg.wasm", "application/wasm", FOR_EVER),
        ("/style-0123456789abcdef.css", "text/css", FOR_EVER),
        ("/plain.txt", "text/plain", "no-cache"),
    ] {
        let head = get(&process, path, "Accept: */*").await;
        assert_eq!(head.status, StatusCode::OK, "{path}");
        assert_eq!(head.header("content-type"), Some(kind), "{path}");
        assert_eq!(head.header("cache-control"), Some(caching), "{path}");
        let modified = head.header("last-modified").expect("a time");
        let again = get(&process, path, &format!("If-Modified-Since: {modified}")).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn nothing_outside_of_the_page_is_served() {
    let page = Page::new("outside");
    let process = Process::start(&["--www", page.path()], &[]).await;
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/missing.js",
    ] {
        assert_ne!(
            get(&process, path, "Accept: */*").await.status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn without_a_page_the_root_says_how_to_build_it() {
    let process = Process::start(&[], &[]).await;
    let head = get(&process, "/", "Accept: */*").await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_looks_for_another_at_sighup() {
    let authority = Authority::new();
    let files = authority.issue();
    let options = files.options();
    let process = Process::start(&[&options[0], &options[1]], &[]).await;
    assert_eq!(process.scheme, "https");
    let tunnel = authority.tunnel(process.address).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;

    let new = authority.renew(&files, |_| {});
    process.signal("HUP").await;
    until(async || {
        let stream = authority.connect(process.address).await.expect("TLS");
        stream.get_ref().1.peer_certificates().expect("certificates")[0] == new
    })
    .await;
    echo.send("still here").await;
    assert_eq!(echo.text().await, "still here");
    process.signal("TERM").await;
    let (status, _, log) = process.ended().await;
    assert!(status.success() && log.contains("a new TLS certificate"), "{log}");
}
