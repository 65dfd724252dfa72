//! Closing handshakes, good and bad, and connections that end at any point without one.

use anyhow::Result;

use crate::{
    answer::Answer::{self, Close, Dropped, Unheard},
    attack::Attack,
    frame::{BINARY, CLOSE, FIN, Length, PING, close, frame, frame_with},
    http::{head_of, upgrade},
    peer::Peer,
    target::Target,
};

const FAULT: &[Answer] = &[Close(1002)];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::frames("close without a code", &[Close(1000), Close(1005)], |_| {
        frame(FIN | CLOSE, b"")
    }),
    Attack::frames("close with half a code", FAULT, |_| frame(FIN | CLOSE, &[3])),
    Attack::frames("close with code 0", FAULT, |_| close(0, b"")),
    Attack::frames("close with code 999", FAULT, |_| close(999, b"")),
    Attack::frames("close with code 1004", FAULT, |_| close(1004, b"")),
    Attack::frames("close with code 1005", FAULT, |_| close(1005, b"")),
    Attack::frames("close with code 1006", FAULT, |_| close(1006, b"")),
    Attack::frames("close with code 1015", FAULT, |_| close(1015, b"")),
    Attack::frames("close with code 1016", FAULT, |_| close(1016, b"")),
    Attack::frames("close with code 2999", FAULT, |_| close(2999, b"")),
    Attack::frames("close with code 5000", FAULT, |_| close(5000, b"")),
    Attack::frames("close with code 65535", FAULT, |_| close(65535, b"")),
    Attack::frames("close with code 4999", &[Close(4999)], |_| close(4999, b"any")),
    Attack::frames(
        "close with a reason that is not UTF-8",
        &[Close(1002), Close(1007)],
        |_| close(1000, b"\xff\xfe"),
    ),
    Attack::frames("close with a reason of 124 bytes", FAULT, |_| close(1000, &[b'x'; 124])),
    Attack::frames("messages after the close", &[Close(1000)], |_| {
        [close(1000, b""), frame(FIN | BINARY, b"late").repeat(1000)].concat()
    }),
    Attack::frames("many closes", &[Close(1000)], |_| close(1000, b"").repeat(1000)),
    Attack::act("end without a close", &[Dropped], |target, path| {
        Box::pin(half_closed(target, path))
    }),
    Attack::act("reset after connecting", &[Unheard], |target, _| {
        Box::pin(async move { Peer::connect(target).await?.reset() })
    }),
    Attack::act("reset within the request head", &[Unheard], |target, path| {
        Box::pin(async move { reset_after(target, &head_of(&upgrade(path))[..40]).await })
    }),
    Attack::act("reset right after the request head", &[Unheard], |target, path| {
        Box::pin(async move { reset_after(target, &head_of(&upgrade(path))).await })
    }),
    Attack::act("reset of an open WebSocket", &[Unheard], |target, path| {
        Box::pin(async move { reset_when_open(target, path, &[]).await })
    }),
    Attack::act("reset within a frame", &[Unheard], |target, path| {
        Box::pin(async move {
            let begun = frame_with(FIN | BINARY, Length::Bits16(1000), b"begun");
            reset_when_open(target, path, &begun).await
        })
    }),
    Attack::act("reset within a message", &[Unheard], |target, path| {
        Box::pin(async move { reset_when_open(target, path, &frame(BINARY, b"begun")).await })
    }),
    Attack::act("reset with pongs due", &[Unheard], |target, path| {
        Box::pin(async move { reset_when_open(target, path, &frame(FIN | PING, b"x").repeat(1000)).await })
    }),
    Attack::act("reset after the close", &[Unheard], |target, path| {
        Box::pin(async move { reset_when_open(target, path, &close(1000, b"")).await })
    }),
];

async fn half_closed(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::open(target, path).await?;
    peer.end().await?;
    peer.verdict().await
}

async fn reset_after(target: Target, bytes: &[u8]) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(bytes).await?;
    peer.reset()
}

async fn reset_when_open(target: Target, path: &str, bytes: &[u8]) -> Result<Answer> {
    let mut peer = Peer::open(target, path).await?;
    peer.send(bytes).await?;
    peer.reset()
}
