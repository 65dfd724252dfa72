//! Files with keys that change while the binary runs.

use http::StatusCode;
use tidewire_tests::{Folder, Over, Process, Raw, Visitor, until};

const SECRETS: [&str; 2] = [
    "the first secret of thirty-two bytes or more",
    "the second secret of thirty-two bytes or more",
];
const KEYS: [&str; 3] = [
    "0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
    "00112233445566778899aabbccddeeff",
];

/// A token that is signed with what is in a file.
async fn token(secret_file: &str) -> Vec<u8> {
    let options = ["token", "--sub=ada", "--jwt-secret-file", secret_file];
    let (token, error, status) = Process::run(&options).await;
    assert!(status.success(), "{error}");
    token.trim().into()
}

async fn is_taken(server: &Process, token: &[u8]) -> bool {
    let mut ada = Visitor::new(Over::Polls, server.address, token.to_vec());
    ada.closed().await.is_none()
}

async fn opens_api(server: &Process, key: &str) -> bool {
    let request = [
        "GET /api/limits HTTP/1.1".to_owned(),
        "Host: localhost".to_owned(),
        format!("Authorization: Bearer {key}"),
    ];
    let (head, _) = Raw::connect(server.address).await.exchange(&request, b"").await;
    head.status == StatusCode::OK
}

#[tokio::test]
async fn new_keys_are_taken_at_sighup_and_where_a_file_is_broken_the_old_ones_stay() {
    let folder = Folder::new();
    let secret_file = folder.write("jwt-secret", SECRETS[0]);
    let key_file = folder.write("api-keys", KEYS[0]);
    let options = [
        "--auth=jwt",
        "--jwt-secret-file",
        &secret_file,
        "--api-key-file",
        &key_file,
    ];
    let server = Process::start(&[&options[..], &["--drain=0s"]].concat(), &[]).await;
    let old = token(&secret_file).await;
    assert!(is_taken(&server, &old).await && opens_api(&server, KEYS[0]).await);

    folder.write("jwt-secret", SECRETS[1]);
    folder.write("api-keys", KEYS[1]);
    server.signal("HUP").await;
    let new = token(&secret_file).await;
    until(async || opens_api(&server, KEYS[1]).await).await;
    assert!(is_taken(&server, &new).await);
    assert!(!is_taken(&server, &old).await && !opens_api(&server, KEYS[0]).await);

    folder.write("jwt-secret", "short");
    folder.write("api-keys", KEYS[2]);
    server.signal("HUP").await;
    until(async || opens_api(&server, KEYS[2]).await).await;
    assert!(is_taken(&server, &new).await);

    server.signal("TERM").await;
    let (_, _, log) = server.ended().await;
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("the keys stay as they are"))
        .collect();
    assert!(
        matches!(told[..], [line] if line.contains(&secret_file) && line.contains("at least 32 bytes")),
        "{log}"
    );
    for secret in SECRETS.iter().chain(&KEYS) {
        assert!(!log.contains(secret), "{log}");
    }
}
