//! Readers that do not read, while others are spoken to.

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::{
    answer::Answer::{self, Close, Dropped, GoesOn},
    attack::Attack,
    frame::{BINARY, FIN, TEXT, frame},
    peer::Peer,
    room::{MESSAGE, Member, PUBLISHED, batch, publish, ready_small, subscribe},
    target::Target,
};

const STALLED: usize = 100;
const LISTENERS: usize = 3;
const MESSAGES: u64 = 100;
const BYTES: usize = 60 << 10;

/// Who is behind what is kept is told so, with a code at `/chat` and with a gap at `/ws`; who takes nothing is closed, and so is
/// who answers no ping.
const LEFT_BEHIND: &[Answer] = &[Close(4100), Close(4101), Close(4000), Dropped, GoesOn];

const CLOSED: &[Answer] = &[Close(4101), Dropped];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::mass("stalled readers of a room", LEFT_BEHIND, |target, _| {
        Box::pin(in_a_room(target))
    })
    .at(&["/ws"]),
    Attack::mass("stalled readers of the chat", LEFT_BEHIND, |target, _| {
        Box::pin(in_the_chat(target))
    })
    .at(&["/chat"]),
    Attack::mass("stalled readers of their own echo", CLOSED, |target, path| {
        Box::pin(of_an_echo(target, path))
    })
    .waits()
    .at(&["/echo"]),
];

/// Who reads is told all, at once, whoever does not read.
async fn in_a_room(target: Target) -> Result<Answer> {
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        let mut member = Member::join(target).await?;
        member.enter("stalled").await?;
        listeners.push(member);
    }
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut peer = ready_small(target, "/ws").await?;
        peer.send(&batch(&subscribe(1, "stalled"))).await?;
        stalled.push(peer);
    }
    let mut speaker = Member::join(target).await?;
    for sequence in 1..=MESSAGES {
        speaker.say(&publish(sequence, "stalled", &[b'x'; BYTES])).await?;
        for listener in &mut listeners {
            listener.wait_for(&[MESSAGE]).await?;
        }
        speaker.wait_for(&[PUBLISHED]).await?;
    }
    verdict(stalled).await
}

async fn in_the_chat(target: Target) -> Result<Answer> {
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        stalled.push(Peer::open_small(target, "/chat").await?);
    }
    // The first of them speaks.
    let mut listeners = Vec::new();
    for _ in 0..=LISTENERS {
        let mut peer = Peer::open(target, "/chat").await?;
        peer.frame().await?.context("no welcome")?;
        listeners.push(peer);
    }
    for _ in 0..MESSAGES {
        listeners[0].send(&frame(FIN | TEXT, &[b'x'; BYTES])).await?;
        for listener in &mut listeners {
            // Others may talk in the same chat.
            while listener.frame().await?.context("a listener was dropped")?.payload.len() < BYTES {}
        }
    }
    verdict(stalled).await
}

async fn of_an_echo(target: Target, path: &str) -> Result<Answer> {
    let mut stalled = JoinSet::new();
    for _ in 0..STALLED / 5 {
        let mut peer = Peer::open_small(target, path).await?;
        stalled.spawn(async move {
            peer.flood(&frame(FIN | BINARY, &[b'x'; BYTES])).await?;
            peer.verdict().await
        });
    }
    let mut last = Dropped;
    while let Some(answer) = stalled.join_next().await {
        last = answer??;
        ensure!(CLOSED.contains(&last), "{last}");
    }
    Ok(last)
}

/// What those find who read again.
async fn verdict(stalled: Vec<Peer>) -> Result<Answer> {
    let mut last = GoesOn;
    for mut peer in stalled {
        last = peer.goes_on().await?;
        ensure!(LEFT_BEHIND.contains(&last), "{last}");
    }
    Ok(last)
}
