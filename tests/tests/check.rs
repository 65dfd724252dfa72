//! `tidewire check`: what it says of options, and that the server keeps to it.

use tidewire_tests::Process;

/// What it prints for these options, and whether the server would start.
async fn check(options: &[&str]) -> (Vec<String>, bool) {
    let arguments = [&["check"], options].concat();
    let (output, error, status) = Process::run(&arguments).await;
    assert_eq!(error, "", "{options:?}");
    (output.lines().map(str::to_owned).collect(), status.success())
}

#[tokio::test]
async fn nothing_is_wrong_on_the_loopback_address() {
    let (lines, is_good) = check(&["--listen=127.0.0.1:0"]).await;
    assert!(is_good);
    assert_eq!(lines, ["ok: the server can start with these options"]);
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let process = Process::start(&[], &[]).await;
    let (lines, is_good) = check(&[&format!("--listen={}", process.address)]).await;
    assert!(!is_good);
    let expected = format!("error: cannot listen on {}", process.address);
    assert!(lines[0].starts_with(&expected), "{lines:?}");
}

#[tokio::test]
async fn a_public_address_without_tls_is_warned_of() {
    let (lines, is_good) = check(&["--listen=0.0.0.0:0", "--insecure-public"]).await;
    assert!(is_good);
    let expected = "warning: 0.0.0.0:0 is a public address without TLS";
    assert!(lines.iter().any(|line| line.starts_with(expected)), "{lines:?}");
}

#[tokio::test]
async fn a_public_address_open_to_everybody_is_an_error_and_says_what_to_do() {
    for arguments in [&["check", "--listen=0.0.0.0:0"][..], &["--listen=[::]:0"]] {
        let (output, error, status) = Process::run(arguments).await;
        assert!(!status.success());
        let said = output + &error;
        for word in ["error: with --auth none", "--auth jwt", "loopback", "--insecure-public"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_an_error() {
    for (options, expected) in [
        (&["--auth=jwt"][..], "needs --jwt-secret-file"),
        (&["--auth=jwt", "--jwt-secret-file=/nowhere"], "/nowhere"),
        (&["--auth=jwt", "--jwt-public-key-file=Cargo.toml"], "not a public key"),
        (&["--auth=jwt", "--jwks-file=Cargo.toml"], "not a JSON Web Key Set"),
        (&["--jwks-file=Cargo.toml"], "without --auth jwt"),
        (&["--api-key-file=Cargo.toml"], "at least 32"),
    ] {
        let (lines, is_good) = check(&[&["--listen=127.0.0.1:0"], options].concat()).await;
        assert!(!is_good && lines[0].starts_with("error: "), "{lines:?}");
        assert!(lines[0].contains(expected), "{lines:?}");
    }
}

#[tokio::test]
async fn options_before_the_command_are_not_ignored_silently() {
    let (_, error, status) = Process::run(&["--listen=0.0.0.0:0", "check"]).await;
    assert!(!status.success() && error.contains("cannot be used with"), "{error}");
}
