//! Connections by the thousand: half-open, reset, idle, and come and gone.

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::{
    answer::Answer::{self, Dropped, GoesOn, Unheard},
    attack::{Attack, SOCKETS},
    frame::close,
    http::{head_of, upgrade},
    peer::Peer,
    room::ready,
    target::Target,
};

const ONE: &[&str] = &["/ws"];

/// So many do something at a time.
const WORKERS: usize = 50;

pub(super) static ATTACKS: &[Attack] = &[
    Attack::mass("half-open connections", &[Dropped], |target, _| {
        Box::pin(half_open(target, Vec::new()))
    })
    .at(ONE),
    Attack::mass("half-open connections with half a head", &[Dropped], |target, path| {
        let mut head = head_of(&upgrade(path));
        head.truncate(40);
        Box::pin(half_open(target, head))
    })
    .at(ONE),
    Attack::mass("connections that are reset at once", &[Unheard], |target, _| {
        Box::pin(many(
            target,
            |target| async move { Peer::connect(target).await?.reset() },
        ))
    })
    .at(ONE),
    Attack::mass("WebSockets that are reset at once", &[Unheard], |target, path| {
        Box::pin(many(target, move |target| async move {
            Peer::open(target, path).await?.reset()
        }))
    }),
    Attack::mass("WebSockets that come and go", &[Answer::Close(1000)], |target, path| {
        Box::pin(many(target, move |target| async move {
            let mut peer = ready(target, path).await?;
            peer.send(&close(1000, b"")).await?;
            peer.verdict().await
        }))
    }),
    Attack::mass("WebSockets that are idle, then reset", &[Unheard], |target, path| {
        Box::pin(idle(target, path))
    })
    .at(SOCKETS),
];

/// Connections that say this and no more: each must be dropped.
async fn half_open(target: Target, begun: Vec<u8>) -> Result<Answer> {
    let mut peers = Vec::new();
    for _ in 0..target.scale.connections {
        let mut peer = Peer::connect(target).await?;
        // The server may have dropped it by now.
        peer.send_while_taken(&begun).await?;
        peers.push(peer);
    }
    for mut peer in peers {
        ensure!(peer.rest().await? == 0, "an answer to half a request");
    }
    Ok(Dropped)
}

/// The same by so many, one after the other at a few workers. All must be answered alike.
async fn many<F>(target: Target, act: impl Fn(Target) -> F + Copy + Send + 'static) -> Result<Answer>
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(async move {
            let first = act(target).await?;
            // All paths are attacked at once, each with its part.
            for _ in 1..target.scale.connections / SOCKETS.len() / WORKERS {
                let answer = act(target).await?;
                ensure!(answer == first, "{answer} after {first}");
            }
            Ok(first)
        });
    }
    let answers: Vec<_> = workers.join_all().await.into_iter().collect::<Result<_>>()?;
    let first = *answers.first().context("nobody")?;
    ensure!(answers.iter().all(|it| *it == first), "different answers: {answers:?}");
    Ok(first)
}

async fn idle(target: Target, path: &str) -> Result<Answer> {
    let mut peers = Vec::new();
    for _ in 0..target.scale.connections / SOCKETS.len() {
        peers.push(ready(target, path).await?);
    }
    for peer in &mut peers {
        ensure!(peer.goes_on().await? == GoesOn, "an idle WebSocket was closed");
    }
    for peer in peers {
        peer.reset()?;
    }
    Ok(Unheard)
}
