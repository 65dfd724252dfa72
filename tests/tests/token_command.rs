//! `tidewire token`, and a server of the binary that takes what it prints.

use std::path::PathBuf;

use tidewire_tests::{Over, Process, Visitor};

/// A file with a secret; it is removed with its value.
struct Secret(PathBuf);

impl Secret {
    fn new(name: &str, secret: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidewire-{name}-{}", std::process::id()));
        std::fs::write(&path, secret).expect("a file");
        Self(path)
    }

    fn option(&self) -> String {
        format!("--jwt-secret-file={}", self.0.display())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn the_server_takes_what_it_prints() {
    let secret = Secret::new("good-secret", "a secret of at least thirty-two bytes\n");
    let names = ["--jwt-issuer=us", "--jwt-audience=chat"];
    let options = [
        "token",
        &secret.option(),
        "--sub=ada",
        "--grant=a=b/**=publish,subscribe",
    ];
    let (token, error, status) = Process::run(&[&options[..], &names].concat()).await;
    assert!(status.success(), "{error}");
    let server = Process::start(&[&["--auth=jwt", &*secret.option()][..], &names].concat(), &[]).await;
    for over in Over::ALL {
        let mut ada = Visitor::new(over, server.address, token.trim().into());
        assert_eq!(ada.publish("a=b/c", "hello").await, Ok(()));
        assert!(ada.publish("other", "hello").await.is_err());
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_told() {
    let good = Secret::new("secret", "a secret of at least thirty-two bytes");
    let short = Secret::new("short-secret", "a short secret");
    for (secret, option, expected) in [
        (&short, "--grant=a=publish", "at least 32 bytes"),
        (&good, "--grant=a", "PATTERN=RIGHTS"),
        (&good, "--grant==publish", "1 to 256 bytes"),
        (&good, "--grant=a=rule", "\"rule\""),
        (&good, "--expires-in=soon", "expires-in"),
    ] {
        let (output, error, status) = Process::run(&["token", &secret.option(), "--sub=ada", option]).await;
        assert!(!status.success() && error.contains(expected), "{error}");
        assert_eq!(output, "");
    }
}
