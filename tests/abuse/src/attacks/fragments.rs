//! Messages in fragments: out of order, without end, too large, and with text that is cut.

use anyhow::{Result, ensure};

use crate::{
    answer::Answer::{self, Close, GoesOn},
    attack::Attack,
    frame::{BINARY, CLOSE, CONTINUATION, FIN, PING, TEXT, frame},
    room,
    target::Target,
};

const FAULT: &[Answer] = &[Close(1002)];
const NOT_UTF8: &[Answer] = &[Close(1007)];
const TOO_BIG: &[Answer] = &[Close(1009)];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::frames("continuation of nothing", FAULT, |_| frame(FIN | CONTINUATION, b"x")),
    Attack::frames("continuation after a whole message", FAULT, |_| {
        // A pong is whole, and no path answers it.
        [frame(FIN | PING, b"x"), frame(CONTINUATION, b"x")].concat()
    }),
    Attack::frames("message within a message", FAULT, |_| {
        [frame(BINARY, b"one"), frame(FIN | BINARY, b"two")].concat()
    }),
    Attack::frames("first fragment twice", FAULT, |_| {
        [frame(TEXT, b"one"), frame(TEXT, b"two")].concat()
    }),
    Attack::frames("close in fragments", FAULT, |_| {
        [frame(CLOSE, &[3]), frame(FIN | CONTINUATION, &[232])].concat()
    }),
    Attack::frames("pings between fragments", &[GoesOn], |target| {
        let begin = frame(BINARY, b"");
        let part = [frame(CONTINUATION, b"x"), frame(FIN | PING, b"between")].concat();
        [begin, part.repeat(100.min(target.max_message_bytes))].concat()
    }),
    Attack::frames("text cut by a fragment, and not gone on", NOT_UTF8, |_| {
        [frame(TEXT, b"\xe2\x82"), frame(FIN | CONTINUATION, b"x")].concat()
    }),
    Attack::frames("text that ends within a character", NOT_UTF8, |_| {
        [frame(TEXT, b"good"), frame(FIN | CONTINUATION, b"\xe2\x82")].concat()
    }),
    Attack::frames("text that begins within a character", NOT_UTF8, |_| {
        [frame(TEXT, b"\x82\xac"), frame(FIN | CONTINUATION, b"good")].concat()
    }),
    Attack::frames("message that grows past the limit", TOO_BIG, |target| {
        let parts = target.max_message_bytes / 1024;
        [frame(BINARY, b"x"), frame(CONTINUATION, &[0; 1024]).repeat(parts)].concat()
    }),
    Attack::mass("fragments of one byte past the limit", TOO_BIG, |target, path| {
        Box::pin(endless(
            target,
            path,
            frame(CONTINUATION, b"x"),
            target.max_message_bytes,
        ))
    }),
    Attack::mass("empty fragments", &[GoesOn], |target, path| {
        Box::pin(endless(target, path, frame(CONTINUATION, b""), 10 * target.scale.items))
    }),
    Attack::mass(
        "a fragment of nearly a message, left so, many times",
        &[GoesOn],
        |target, path| Box::pin(half_messages(target, path)),
    ),
];

/// A first fragment of one byte, and then so many others.
async fn endless(target: Target, path: &str, part: Vec<u8>, count: usize) -> Result<Answer> {
    let mut peer = room::ready(target, path).await?;
    peer.send(&frame(BINARY, b"x")).await?;
    let parts = part.repeat(1000);
    let mut left = count;
    while left > 0 {
        let now = left.min(1000);
        if !peer.send_while_taken(&parts[..now * part.len()]).await? {
            break;
        }
        left -= now;
    }
    peer.goes_on().await
}

/// Connections that each have the server keep nearly a whole message, and are then dropped.
async fn half_messages(target: Target, path: &str) -> Result<Answer> {
    let half = frame(BINARY, &vec![0; target.max_message_bytes]);
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = room::ready(target, path).await?;
        peer.send(&half).await?;
        peers.push(peer);
    }
    for peer in &mut peers {
        let answer = peer.goes_on().await?;
        ensure!(answer == GoesOn, "{answer}");
    }
    Ok(GoesOn)
}
