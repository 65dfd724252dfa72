//! `tidewire token`, and a server of the binary that takes what it prints.

use tidewire_tests::{Folder, Over, Process, Visitor};

/// A secret in a file, as an option.
fn secret(folder: &Folder, name: &str, secret: &str) -> String {
    format!("--jwt-secret-file={}", folder.write(name, secret))
}

#[tokio::test]
async fn the_server_takes_what_it_prints() {
    let folder = Folder::new();
    let secret = secret(&folder, "secret", "a secret of at least thirty-two bytes\n");
    let names = ["--jwt-issuer=us", "--jwt-audience=chat"];
    let options = ["token", &secret, "--sub=ada", "--grant=a=b/**=publish,subscribe"];
    let (token, error, status) = Process::run(&[&options[..], &names].concat()).await;
    assert!(status.success(), "{error}");
    let server = Process::start(&[&["--auth=jwt", &*secret][..], &names].concat(), &[]).await;
    for over in Over::ALL {
        let mut ada = Visitor::new(over, server.address, token.trim().into());
        assert_eq!(ada.publish("a=b/c", "hello").await, Ok(()));
        assert!(ada.publish("other", "hello").await.is_err());
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_told() {
    let folder = Folder::new();
    let good = secret(&folder, "secret", "a secret of at least thirty-two bytes");
    let short = secret(&folder, "short-secret", "a short secret");
    for (secret, option, expected) in [
        (&short, "--grant=a=publish", "at least 32 bytes"),
        (&good, "--grant=a", "PATTERN=RIGHTS"),
        (&good, "--grant==publish", "1 to 256 bytes"),
        (&good, "--grant=a=rule", "\"rule\""),
        (&good, "--expires-in=soon", "expires-in"),
    ] {
        let (output, error, status) = Process::run(&["token", secret, "--sub=ada", option]).await;
        assert!(!status.success() && error.contains(expected), "{error}");
        assert_eq!(output, "");
    }
}
