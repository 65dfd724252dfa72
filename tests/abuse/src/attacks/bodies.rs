//! Bodies that are late, that lie about their length, or that have two: [RFC 9112, section 6](https://www.rfc-editor.org/rfc/rfc9112#section-6).

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::interval;

use crate::{
    answer::Answer::{self, Dropped, Status},
    attack::Attack,
    peer::{DEADLINE, Peer},
    target::Target,
};

/// What takes a body.
const BODIES: &[&str] = &["/poll", "/api/rooms/lobby/messages"];

const BAD: &[Answer] = &[Status(400)];
const LATE: &[Answer] = &[Status(408)];
const TOO_LARGE: &[Answer] = &[Status(413)];

/// The body of a poll is no good either, and what publishes takes any.
const NO_MORE: &[Answer] = &[Status(400), Status(200), Status(201)];

/// A POST with these lines and what follows them.
fn post(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    [
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n").as_bytes(),
        body,
    ]
    .concat()
}

pub(super) static ATTACKS: &[Attack] = &[
    Attack::request("two lengths", BAD, |path| {
        post(path, "Content-Length: 3\r\nContent-Length: 4", b"abcd")
    })
    .at(BODIES),
    Attack::request("length with a sign", BAD, |path| {
        post(path, "Content-Length: +3", b"abc")
    })
    .at(BODIES),
    Attack::request("length below zero", BAD, |path| post(path, "Content-Length: -1", b"")).at(BODIES),
    Attack::request("length that is no number", BAD, |path| {
        post(path, "Content-Length: 3x", b"abc")
    })
    .at(BODIES),
    Attack::request("length of 2^64", BAD, |path| {
        post(path, "Content-Length: 18446744073709551616", b"abc")
    })
    .at(BODIES),
    Attack::request(
        "coding that ends otherwise than chunked",
        &[Status(400), Status(501)],
        |path| post(path, "Transfer-Encoding: chunked, identity", b"3\r\nabc\r\n0\r\n\r\n"),
    )
    .at(BODIES),
    Attack::request("coding that nobody knows", &[Status(400), Status(501)], |path| {
        post(path, "Transfer-Encoding: xchunked", b"3\r\nabc\r\n0\r\n\r\n")
    })
    .at(BODIES),
    Attack::request("chunk of 2^64 bytes", BAD, |path| {
        post(path, CHUNKED, b"10000000000000000\r\nabc")
    })
    .at(BODIES),
    Attack::request("chunk whose length is no number", BAD, |path| {
        post(path, CHUNKED, b"xyz\r\nabc\r\n0\r\n\r\n")
    })
    .at(BODIES),
    Attack::request("chunk longer than its length", BAD, |path| {
        post(path, CHUNKED, b"3\r\nabcdef\r\n0\r\n\r\n")
    })
    .at(BODIES),
    Attack::request("more than is taken, announced", TOO_LARGE, |path| {
        post(path, "Content-Length: 10000000000", b"abc")
    })
    .at(BODIES),
    Attack::act("more than is taken, in chunks", TOO_LARGE, |target, path| {
        Box::pin(chunks(target, path))
    })
    .at(BODIES),
    Attack::act("body that never comes", LATE, |target, path| {
        Box::pin(begun(target, path, "Content-Length: 100"))
    })
    .waits()
    .at(BODIES),
    Attack::act("chunks that never come", LATE, |target, path| {
        Box::pin(begun(target, path, CHUNKED))
    })
    .waits()
    .at(BODIES),
    Attack::act("body byte by byte", LATE, |target, path| {
        Box::pin(dribble(target, path))
    })
    .waits()
    .at(BODIES),
    Attack::act(
        "body that ends before its length",
        &[Status(400), Dropped],
        |target, path| Box::pin(cut_short(target, path)),
    )
    .at(BODIES),
    Attack::act("request hidden behind two lengths", NO_MORE, |target, path| {
        Box::pin(smuggle(target, path, "Content-Length: 4\r\nTransfer-Encoding: chunked"))
    })
    .at(BODIES),
    Attack::act(
        "request hidden behind a coding in odd letters",
        NO_MORE,
        |target, path| Box::pin(smuggle(target, path, "Transfer-Encoding: chUNKed\r\nContent-Length: 4")),
    )
    .at(BODIES),
];

const CHUNKED: &str = "Transfer-Encoding: chunked";

/// Chunks until there is an answer.
async fn chunks(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&post(path, CHUNKED, b"")).await?;
    let chunk = [&b"1000\r\n"[..], &[b'x'; 0x1000], b"\r\n"].concat();
    for _ in 0..2 * target.max_message_bytes / 0x1000 + 100 {
        if !peer.send_while_taken(&chunk).await? || peer.has_heard().await {
            break;
        }
    }
    peer.status().await
}

async fn begun(target: Target, path: &str, lines: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&post(path, lines, b"")).await?;
    peer.status().await
}

async fn dribble(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&post(path, "Content-Length: 10000", b"")).await?;
    let mut ticks = interval(Duration::from_millis(20));
    let begun = ticks.tick().await;
    while peer.send_while_taken(b"x").await? && !peer.has_heard().await {
        let now = ticks.tick().await;
        ensure!(now - begun < DEADLINE, "a body without end is taken for ever");
    }
    peer.status().await
}

async fn cut_short(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&post(path, "Content-Length: 100", b"abc")).await?;
    peer.end().await?;
    peer.status().await
}

/// A request that has another within its body, by one of its two lengths. RFC 9112 section 6.1: the connection must end
/// after the answer, so that nobody is answered who did not ask.
async fn smuggle(target: Target, path: &str, lines: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    let hidden = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    peer.send(&post(path, lines, hidden.as_bytes())).await?;
    let answer = peer.response().await?;
    ensure!(peer.rest().await? == 0, "the hidden request was answered");
    Ok(answer.map_or(Dropped, |(head, _)| Status(head.status)))
}
