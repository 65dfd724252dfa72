//! Too much at once, and too little: floods of control frames, with and without reading, and bytes one by one.

use anyhow::{Context, Result, ensure};

use crate::{
    answer::Answer::{self, Close, Dropped, GoesOn},
    attack::Attack,
    frame::{FIN, PING, PONG, frame},
    peer::Peer,
    room,
    target::Target,
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack::mass(
        "pings, their pongs not read",
        &[Close(4101), Close(4000), Dropped],
        |target, path| Box::pin(pings_unread(target, path)),
    )
    .waits(),
    Attack::mass("pings, their pongs read", &[GoesOn], |target, path| {
        Box::pin(pings_read(target, path))
    }),
    Attack::mass("pongs nobody asked for", &[GoesOn], |target, path| {
        Box::pin(pongs(target, path))
    }),
    Attack::act("a frame byte by byte", &[GoesOn], |target, path| {
        Box::pin(byte_by_byte(target, path))
    }),
];

async fn pings_unread(target: Target, path: &str) -> Result<Answer> {
    let mut peer = room::ready_small(target, path).await?;
    peer.flood(&frame(FIN | PING, &[b'x'; 125]).repeat(100)).await?;
    peer.verdict().await
}

async fn pings_read(target: Target, path: &str) -> Result<Answer> {
    let mut peer = room::ready(target, path).await?;
    for batch in 0..target.scale.items / 100 {
        let nonce = batch.to_be_bytes();
        let pings = [frame(FIN | PING, b"flood").repeat(99), frame(FIN | PING, &nonce)].concat();
        peer.send(&pings).await?;
        // The RFC lets a server answer the last of them alone.
        while peer.frame().await?.context("the connection ended")?.payload != nonce {}
    }
    peer.goes_on().await
}

async fn pongs(target: Target, path: &str) -> Result<Answer> {
    let mut peer = room::ready(target, path).await?;
    let pongs = frame(FIN | PONG, b"for nothing").repeat(1000);
    for _ in 0..target.scale.items / 1000 {
        ensure!(peer.send_while_taken(&pongs).await?, "the connection ended");
    }
    peer.goes_on().await
}

async fn byte_by_byte(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::open(target, path).await?;
    for byte in frame(FIN | PING, b"slowly") {
        peer.send(&[byte]).await?;
        // So that it is a segment of its own.
        tokio::task::yield_now().await;
    }
    peer.goes_on().await
}
