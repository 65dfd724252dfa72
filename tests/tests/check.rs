//! `tidewire check`: what it says of options, and that the server keeps to it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    time::SystemTime,
};

use tidewire_tests::{Authority, Folder, Process, tokens};

/// What it prints for these options, and whether the server would start.
async fn check(options: &[&str]) -> (Vec<String>, bool) {
    let arguments = [&["check"], options].concat();
    let (output, error, status) = Process::run(&arguments).await;
    assert_eq!(error, "", "{options:?}");
    (output.lines().map(str::to_owned).collect(), status.success())
}

#[tokio::test]
async fn nothing_is_wrong_on_the_loopback_address() {
    // Fewer than any system has file descriptors for.
    let (lines, is_good) = check(&["--listen=127.0.0.1:0", "--max-connections=100"]).await;
    assert!(is_good);
    let (last, notes) = lines.split_last().expect("a line");
    assert_eq!(last, "ok: the server can start with these options");
    assert!(notes.iter().all(|line| line.starts_with("note: ")), "{notes:?}");
}

#[tokio::test]
async fn limits_that_are_off_are_named() {
    let options = ["--listen=127.0.0.1:0", "--max-connections=none", "--handshakes=none"];
    let (lines, is_good) = check(&options).await;
    assert!(is_good);
    let named = "--max-connections, --handshakes";
    assert!(
        lines[0].starts_with("warning: ") && lines[0].ends_with(named),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_trusted_needs_no_note() {
    let note = |lines: &[String]| lines.iter().any(|line| line.starts_with("note: no --trusted-proxy"));
    let (lines, _) = check(&["--listen=127.0.0.1:0"]).await;
    assert!(note(&lines), "{lines:?}");
    let (lines, _) = check(&["--listen=127.0.0.1:0", "--trusted-proxy=127.0.0.1/32"]).await;
    assert!(!note(&lines), "{lines:?}");
}

#[tokio::test]
async fn what_is_not_safe_is_warned_of_and_what_is_good_to_know_is_noted() {
    let quiet = ["--listen=127.0.0.1:0", "--max-connections=100"];
    for (options, expected) in [
        (
            &["--trusted-proxy=127.0.0.1"][..],
            "warning: --auth none: whoever reaches the proxy",
        ),
        (
            &["--trusted-proxy=127.0.0.1"],
            "warning: without --api-key-file everybody may",
        ),
        (
            &["--trusted-proxy=10.0.0.0/8,0.0.0.0/0"],
            "warning: --trusted-proxy 0.0.0.0/0",
        ),
        (&["--trusted-proxy=::/0"], "warning: --trusted-proxy ::/0"),
        (&["--trusted-proxy=127.0.0.1"], "note: no --max-memory"),
        // More than any machine has.
        (
            &["--max-memory=1125899906842624"],
            "warning: --max-memory 1125899906842624 is never",
        ),
        (&["--drain=25s", "--close-timeout=3s"], "note: the end takes up to 31s"),
    ] {
        let (lines, is_good) = check(&[&quiet, options].concat()).await;
        assert!(is_good, "{lines:?}");
        assert!(
            lines.iter().any(|line| line.starts_with(expected)),
            "{expected}: {lines:?}"
        );
    }
    let (lines, _) = check(&[&quiet[..], &["--drain=24s", "--max-memory=67108864"]].concat()).await;
    let said = lines.join("\n");
    assert!(
        !said.contains("warning") && !said.contains("--drain") && !said.contains("memory"),
        "{said}"
    );
}

#[tokio::test]
async fn errors_come_before_warnings_and_notes() {
    let (lines, is_good) = check(&["--listen=0.0.0.0:0", "--trusted-proxy=0.0.0.0/0"]).await;
    assert!(!is_good);
    let weight = |line: &String| {
        ["error: ", "warning: ", "note: "]
            .iter()
            .position(|it| line.starts_with(it))
    };
    let weights: Vec<_> = lines.iter().map(weight).collect();
    assert!(weights.iter().all(Option::is_some) && weights.is_sorted(), "{lines:?}");
    for weight in 0..3 {
        assert!(weights.contains(&Some(weight)), "{lines:?}");
    }
}

#[tokio::test]
async fn tokens_that_live_long_and_secrets_that_others_may_read_are_warned_of() {
    let folder = Folder::new();
    let secret = folder.write("jwt-secret", tokens::SECRET);
    let keys = folder.write("api-keys", "0123456789abcdef0123456789abcdef");
    let allow = |path: &str, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
    let options = [
        "--listen=127.0.0.1:0",
        "--auth=jwt",
        "--jwt-secret-file",
        &secret,
        "--api-key-file",
        &keys,
    ];
    for (mode, is_warned_of) in [(0o644, true), (0o602, true), (0o640, false), (0o400, false)] {
        allow(&secret, mode);
        allow(&keys, 0o600);
        let (lines, is_good) = check(&options).await;
        let said = lines.join("\n");
        assert!(is_good && !said.contains(&keys), "{said}");
        assert_eq!(
            said.contains(&format!("get at {secret}: chmod")),
            is_warned_of,
            "{mode:o}: {said}"
        );
    }
    for (life, is_warned_of) in [("7days", false), ("8days", true)] {
        let (lines, _) = check(&[&options[..], &["--max-token-life", life]].concat()).await;
        let expected = format!("warning: --max-token-life {life}: ");
        assert_eq!(
            lines.iter().any(|line| line.starts_with(&expected)),
            is_warned_of,
            "{lines:?}"
        );
    }
    let short = folder.write("short", [7; 31]);
    allow(&short, 0o600);
    let (lines, is_good) = check(&["--listen=127.0.0.1:0", "--auth=jwt", "--jwt-secret-file", &short]).await;
    assert!(
        !is_good && lines[0] == format!("error: {short}: a secret must have at least 32 bytes"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn there_are_no_more_connections_by_default_than_open_files() {
    let (output, error) = Process::run_with_files(200, &["check", "--listen=127.0.0.1:0"]).await;
    let expected =
        "note: --max-connections is 136 here, and not 100000: the system lets this process have 200 open files";
    assert!(
        output.contains(expected) && !output.contains("warning"),
        "{output}{error}"
    );
    let (output, error) =
        Process::run_with_files(200, &["check", "--listen=127.0.0.1:0", "--max-connections=137"]).await;
    assert!(
        output.contains("warning: --max-connections needs 201 open files"),
        "{output}{error}"
    );
    let (output, error) =
        Process::run_with_files(200, &["check", "--listen=127.0.0.1:0", "--max-connections=136"]).await;
    assert!(!output.contains("--max-connections"), "{output}{error}");
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
    let expected = "warning: no TLS: what is said at 0.0.0.0:0";
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

#[tokio::test]
async fn a_certificate_must_fit_its_key_and_be_in_date() {
    let authority = Authority::new();
    let (files, other) = (authority.issue(), authority.issue());
    let [certificate, key] = files.options();
    let listen = ["--listen=0.0.0.0:0", "--insecure-public"];
    let (lines, is_good) = check(&[&listen[..], &[&certificate, &key]].concat()).await;
    assert!(is_good && !lines.iter().any(|line| line.contains("TLS")), "{lines:?}");

    let (_, error, status) = Process::run(&["check", &certificate]).await;
    assert!(!status.success() && error.contains("--tls-key"), "{error}");

    let now = SystemTime::now();
    for (from, until, expected) in [
        (now - 9 * DAY, now - DAY, "error: the TLS certificate ended at"),
        (
            now + DAY,
            now + 90 * DAY,
            "error: the TLS certificate is not valid before",
        ),
        (now - DAY, now + 6 * DAY, "warning: the TLS certificate ends soon"),
    ] {
        authority.renew(&files, |params| {
            params.not_before = from.into();
            params.not_after = until.into();
        });
        let (lines, is_good) = check(&[&listen[..], &[&certificate, &key]].concat()).await;
        assert_eq!(is_good, expected.starts_with("warning"), "{lines:?}");
        assert!(lines[0].starts_with(expected), "{lines:?}");
    }

    fs::copy(other.key(), files.key()).expect("a file");
    for arguments in [&["check", &certificate, &key][..], &[&certificate, &key]] {
        let (output, error, status) = Process::run(arguments).await;
        assert!(!status.success());
        let said = output + &error;
        assert!(
            said.contains("error: the TLS certificate is for another private key"),
            "{said}"
        );
    }
}

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
