//! `/echo` and `/chat` where a program has rules of its own: they end when who is there may not be there any longer.

mod clock;

use std::time::{Duration, Instant};

use http::StatusCode;
use tidewire_protocol::CloseCode;
use tidewire_server::{Access, Connecting, Decision, Denied, MemberId, Pass, Tidewire};
use tidewire_tests::{Raw, Server, upgrade_request};
use tokio::time::advance;

const LIFE: Duration = Duration::from_secs(5);

/// Knows who it is by a header, as others do by a cookie.
#[derive(Debug)]
struct Named;

impl Access for Named {
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        let name = connecting.headers.get("x-name").and_then(|name| name.to_str().ok());
        let subject = name.and_then(|name| MemberId::new(name).ok());
        let pass = subject.map(|subject| Pass::of(subject).expiring_in(LIFE));
        Decision::Now(pass.ok_or(Denied::Unauthorized))
    }
}

fn server() -> Server {
    Server::serve(Tidewire::builder().access(Named).build())
}

async fn open(server: &Server, path: &str, name: &str) -> Raw {
    let mut raw = server.raw().await;
    let lines = [upgrade_request(path), vec![format!("X-Name: {name}")]].concat();
    assert_eq!(raw.request(&lines).await.status, StatusCode::SWITCHING_PROTOCOLS);
    if path == "/chat" {
        raw.frame().await.expect("a welcome");
    }
    raw
}

/// Says something, and waits for the answer.
async fn talk(raw: &mut Raw) {
    // "hi", masked with zeros.
    raw.send(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let answer = raw.frame().await.expect("an answer");
    assert!(answer.payload.ends_with(b"hi"), "{answer:?}");
}

#[tokio::test]
async fn a_plain_connection_ends_with_its_pass_and_not_before() {
    let _held = clock::hold();
    let server = server();
    for path in ["/echo", "/chat"] {
        let mut ada = open(&server, path, "ada").await;
        advance(LIFE - Duration::from_millis(1)).await;
        talk(&mut ada).await;
        advance(Duration::from_millis(2)).await;
        let last = ada.frame().await.and_then(|frame| frame.close_code());
        assert_eq!(last, Some(CloseCode::TOKEN_EXPIRED.0), "{path}");
    }
}

#[tokio::test]
async fn a_plain_connection_ends_with_its_subjects_sessions_and_others_go_on() {
    let server = server();
    let ada = MemberId::new("ada").expect("a name");
    for path in ["/echo", "/chat"] {
        let (mut first, mut second) = (open(&server, path, "ada").await, open(&server, path, "ada").await);
        let mut bob = open(&server, path, "bob").await;
        let begun = Instant::now();
        assert_eq!(server.tidewire().end_sessions(&ada), Ok(0));
        for ended in [&mut first, &mut second] {
            let last = ended.frame().await.and_then(|frame| frame.close_code());
            assert_eq!(last, Some(CloseCode::UNAUTHORIZED.0), "{path}");
        }
        println!("both had heard of it after {:?}", begun.elapsed());
        talk(&mut bob).await;
        // It has logged in anew.
        talk(&mut open(&server, path, "ada").await).await;
    }
}
