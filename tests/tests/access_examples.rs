//! The examples of programs that have rules of their own.

use http::StatusCode;
use tidewire_protocol::{
    CloseCode, Frame as _, Sequence,
    frame::{ClientFrame, Hello, RefusalCode, Refused, RefusedWhat, Start, Token, VERSION},
};
use tidewire_tests::{Heard, Process, Raw, Wire, polls, upgrade_request};

async fn post(process: &Process, path: &str, lines: &[&str], body: &[u8]) -> (tidewire_tests::Head, Vec<u8>) {
    let first = format!("POST {path} HTTP/1.1");
    let lines: Vec<String> = [&first, "Host: localhost"]
        .iter()
        .chain(lines)
        .map(|it| (*it).to_owned())
        .collect();
    Raw::connect(process.address).await.exchange(&lines, body).await
}

async fn log_in(process: &Process, password: &str) -> Option<String> {
    let body = format!("name=ada&password={password}");
    let lines = ["Content-Type: application/x-www-form-urlencoded"];
    let (head, _) = post(process, "/login", &lines, body.as_bytes()).await;
    let cookie = head.header("set-cookie")?;
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    Some(format!("Cookie: other=1; {}", cookie.split_once(';')?.0))
}

/// What a poll with this line is told first.
async fn poll(process: &Process, line: &str) -> Heard {
    let mut batch = Vec::new();
    let hello = Hello {
        version: VERSION,
        attempt: 1,
        session: None,
        answered: Sequence(0),
        token: Token(b""),
    };
    ClientFrame::Hello(hello).encode(&mut batch);
    let (_, body) = post(process, "/poll", &[line], &batch).await;
    polls::heard(&body).remove(0)
}

async fn chat(process: &Process, line: &str) -> StatusCode {
    let mut request = upgrade_request("/chat");
    request.push(line.to_owned());
    Raw::connect(process.address).await.request(&request).await.status
}

#[tokio::test]
async fn who_has_logged_in_is_known_by_a_cookie_until_it_logs_out() {
    let process = Process::start_example("cookies").await;
    assert_eq!(log_in(&process, "wrong").await, None);
    let cookie = log_in(&process, "lovelace").await.expect("a cookie");
    let stranger = "Cookie: login=00000000000000000000000000000000";
    let unauthorized = Heard::Close(CloseCode::UNAUTHORIZED);
    assert_eq!(poll(&process, stranger).await, unauthorized);
    assert_eq!(chat(&process, stranger).await, StatusCode::UNAUTHORIZED);
    let Heard::Welcome(welcomed) = poll(&process, &cookie).await else {
        panic!("no welcome");
    };
    assert_eq!(welcomed.member, "ada");
    assert_eq!(chat(&process, &cookie).await, StatusCode::SWITCHING_PROTOCOLS);
    let (head, _) = post(&process, "/api/rooms/a/messages", &[&cookie], b"").await;
    assert_eq!(head.status, StatusCode::UNAUTHORIZED, "that is for other programs");
    let (head, _) = post(&process, "/logout", &[&cookie], b"").await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(poll(&process, &cookie).await, unauthorized);
    assert_eq!(chat(&process, &cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_said_is_refused_or_made_milder() {
    let process = Process::start_example("moderate").await;
    let (mut ann, _) = Wire::join(process.address).await;
    ann.subscribe(1, "talk", Start::Now).await;
    ann.publish(1, "talk", "buy at https://spam.example").await;
    let refused = Refused {
        what: RefusedWhat::Publish(Sequence(1)),
        code: RefusalCode::REJECTED,
    };
    assert_eq!(ann.next().await, Heard::Refused(refused));
    for (sequence, said, expected) in [(2, "hello", "hello"), (3, "drat, it rains", "***, it rains")] {
        ann.publish(sequence, "talk", said).await;
        let heard = [ann.next().await, ann.next().await];
        let text = heard.iter().find_map(|heard| match heard {
            Heard::Message(said) => Some(said.text()),
            _ => None,
        });
        assert_eq!(text, Some(expected));
    }
}
