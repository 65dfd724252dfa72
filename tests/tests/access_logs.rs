//! What is logged of tokens: nothing.

use serde_json::json;
use tidewire_protocol::{
    CloseCode,
    frame::{ClientFrame, Token},
};
use tidewire_tests::{Heard, Over, Process, Visitor, Wire, tokens};

#[tokio::test]
async fn no_token_and_no_secret_is_in_any_line() {
    let path = std::env::temp_dir().join(format!("tidewire-log-secret-{}", std::process::id()));
    std::fs::write(&path, tokens::SECRET).expect("a file");
    let secret = format!("--jwt-secret-file={}", path.display());
    let process = Process::start(&["--auth=jwt", &secret, "--drain=0s"], &[("TIDEWIRE_LOG", "trace")]).await;
    let good = tokens::token("ada", &json!({ "**": tokens::all() }));
    let mut bad = good.clone();
    bad.extend(b"bad");
    let mut wire = Wire::open(process.address).await;
    wire.hello_with(&good, None, 1, 0).await;
    wire.say(ClientFrame::Authenticate { token: Token(&good) }).await;
    assert!(matches!(wire.next().await, Heard::Authenticated(_)));
    for over in Over::ALL {
        for (token, expected) in [(&good, None), (&bad, Some(CloseCode::UNAUTHORIZED))] {
            let mut visitor = Visitor::new(over, process.address, token.clone());
            assert_eq!(visitor.closed().await, expected);
        }
    }
    process.signal("TERM").await;
    let (_, _, log) = process.ended().await;
    let _ = std::fs::remove_file(&path);
    assert!(log.contains("a token is not taken"), "{log}");
    let good = String::from_utf8(good).expect("text");
    for part in good.split('.').skip(1) {
        assert!(!log.contains(part));
    }
    assert!(!log.contains("a secret of at least"));
}
