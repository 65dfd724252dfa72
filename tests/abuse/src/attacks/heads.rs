//! Request heads that break [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112), that never end, or that are no HTTP.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::time::interval;

use crate::{
    answer::Answer::{self, Dropped, Status},
    attack::Attack,
    http::{head_of, upgrade},
    peer::{DEADLINE, Peer},
    target::Target,
};

/// Of everything that HTTP is served at; what does not matter comes first.
const ALL: &[&str] = &["/ws", "/poll", "/api/rooms/lobby/messages", "/"];
const ONE: &[&str] = &["/healthz"];

const BAD: &[Answer] = &[Status(400)];
const TOO_LARGE: &[Answer] = &[Status(431)];
const NO_HTTP: &[Answer] = &[Status(400), Dropped];

/// The deadline of a head passes without a word.
const LATE: &[Answer] = &[Status(408), Dropped];

/// A good handshake with one more line.
fn with(path: &str, line: &str) -> Vec<u8> {
    let mut request = upgrade(path);
    request.push(line.to_owned());
    head_of(&request)
}

pub(super) static ATTACKS: &[Attack] = &[
    Attack::request("head of 32 KiB in one line", TOO_LARGE, |path| {
        with(path, &format!("X: {}", "x".repeat(32 << 10)))
    })
    .at(ALL),
    Attack::request("head of 1,000 lines", TOO_LARGE, |path| {
        with(path, &["X: x"; 1000].join("\r\n"))
    })
    .at(ALL),
    Attack::request("target of 32 KiB", &[Status(414), Status(431)], |path| {
        head_of(&[
            format!("GET {path}?{} HTTP/1.1", "x".repeat(32 << 10)),
            "Host: x".into(),
        ])
    })
    .at(ALL),
    Attack::act(
        "head line by line without end",
        &[Status(431), Status(408), Dropped],
        |target, path| Box::pin(dribble(target, path, b"X: x\r\n", 10)),
    )
    .waits()
    .at(ALL),
    Attack::act("head byte by byte", LATE, |target, path| {
        Box::pin(dribble(target, path, b"x", 20))
    })
    .waits()
    .at(ALL),
    Attack::act("nothing at all", LATE, |target, _| {
        Box::pin(async move { Peer::connect(target).await?.status().await })
    })
    .waits()
    .at(ONE),
    Attack::act(
        "empty lines without end",
        &[Status(400), Status(431), Status(408), Dropped],
        |target, _| Box::pin(empty_lines(target)),
    )
    .at(ONE),
    Attack::request("NUL in a value", BAD, |path| with(path, "X: a\0b")).at(ALL),
    Attack::request("NUL in a name", BAD, |path| with(path, "X\0: ab")).at(ALL),
    Attack::request("CR alone in a value", BAD, |path| with(path, "X: a\rb")).at(ALL),
    Attack::request("space before a colon", BAD, |path| with(path, "X : ab")).at(ALL),
    Attack::request("a line that goes on in the next", BAD, |path| with(path, "X: a\r\n b")).at(ALL),
    Attack::request("line without a colon", BAD, |path| with(path, "nothing")).at(ALL),
    Attack::request("LF alone", &[Status(400), Status(101)], |path| {
        format!("{}\n\n", upgrade(path).join("\n")).into_bytes()
    })
    .at(&["/ws", "/echo"]),
    Attack::request("HTTP/9.9", &[Status(400), Status(505)], |path| {
        head_of(&[format!("GET {path} HTTP/9.9")])
    })
    .at(ALL),
    Attack::request("HTTP/2 without asking", NO_HTTP, |_| {
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()
    })
    .at(ONE),
    Attack::request("TLS", NO_HTTP, |_| {
        [&b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..], &[7; 500]].concat()
    })
    .at(ONE),
    Attack::request("noise", NO_HTTP, |_| {
        (0..2000_u32).map(|it| ((it * 97) >> 3) as u8).collect()
    })
    .at(ONE),
    // It may be taken for an authority, which has no path.
    Attack::request(
        "target without a slash",
        &[Status(400), Status(200), Status(404)],
        |path| head_of(&[format!("GET {} HTTP/1.1", &path[1..]), "Host: x".into()]),
    )
    .at(&["/ws", "/poll"]),
    Attack::request("CONNECT", &[Status(400), Status(404), Status(405)], |_| {
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n".to_vec()
    })
    .at(ONE),
    Attack::request("out of the served directory", &[Status(400), Status(404)], |_| {
        b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()
    })
    .at(ONE),
    Attack::request(
        "out of the served directory, encoded",
        &[Status(400), Status(404)],
        |_| b"GET /%2e%2e/%2e%2e%2fetc%2fpasswd%00 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    )
    .at(ONE),
    Attack::mass("requests one behind the other", &[Status(200)], |target, path| {
        Box::pin(pipelined(target, path))
    })
    .at(ONE),
    Attack::mass("requests, their answers not read", &[Dropped], |target, path| {
        Box::pin(unread(target, path))
    })
    .waits()
    .at(&["/", "/metrics"]),
];

/// Begins a head and goes on with it, a part each so many milliseconds.
async fn dribble(target: Target, path: &str, part: &[u8], milliseconds: u64) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nX: ").as_bytes())
        .await?;
    let mut ticks = interval(Duration::from_millis(milliseconds));
    let begun = ticks.tick().await;
    while peer.send_while_taken(part).await? {
        let now = ticks.tick().await;
        ensure!(now - begun < DEADLINE, "a head without end is taken for ever");
        if peer.has_heard().await {
            return peer.status().await;
        }
    }
    Ok(Dropped)
}

async fn empty_lines(target: Target) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    let lines = b"\r\n".repeat(1000);
    for _ in 0..target.scale.items / 10 {
        if !peer.send_while_taken(&lines).await? || peer.has_heard().await {
            break;
        }
    }
    peer.status().await
}

/// Many requests at once, each of which must be answered.
async fn pipelined(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    let request = head_of(&[format!("GET {path} HTTP/1.1"), "Host: x".into()]);
    for _ in 0..target.scale.items / 100 {
        peer.send(&request.repeat(100)).await?;
        for _ in 0..100 {
            match peer.response().await? {
                Some((head, _)) => ensure!(head.status == 200, "status {}", head.status),
                None => bail!("the connection ended before all was answered"),
            }
        }
    }
    Ok(Status(200))
}

/// Sends requests for as long as the server takes them, and reads no answer: it must stop to take them, and in the end drop
/// the connection.
async fn unread(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect_small(target).await?;
    let request = head_of(&[format!("GET {path} HTTP/1.1"), "Host: x".into()]);
    peer.flood(&request.repeat(100)).await?;
    peer.rest().await?;
    Ok(Dropped)
}
