//! Use as it is meant, before all attacks: memory that a server takes once and keeps is not counted against it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{
    answer::Answer::GoesOn,
    frame::{BINARY, FIN, frame},
    http::head_of,
    memory::Rest,
    peer::Peer,
    room::{Member, PUBLISHED, publish},
    server::Process,
    target::Target,
    witness,
};

/// So many good peers also send a message, the last of them nearly the largest.
const SPEAKERS: usize = 200;

/// As many good peers as an attack has come, are there at the same time, and go.
pub(crate) async fn up(target: Target, paths: &[String]) -> Result<()> {
    witness::ask(target, paths).await?;
    let path = if target.has_rooms {
        "/echo"
    } else {
        paths.first().map_or("/", String::as_str)
    };
    let mut open = Vec::new();
    for number in 0..target.scale.connections {
        let mut peer = Peer::open(target, path).await?;
        if number < SPEAKERS {
            let bytes = target.max_message_bytes * number / SPEAKERS;
            peer.send(&frame(FIN | BINARY, &vec![0; bytes])).await?;
            ensure!(peer.goes_on().await? == GoesOn, "a good peer was closed");
        }
        open.push(peer);
    }
    if target.has_rooms {
        in_rooms(target).await?;
        over_http(target).await?;
    }
    for peer in &mut open {
        ensure!(peer.goes_on().await? == GoesOn, "a good peer was closed");
    }
    Ok(())
}

/// As many good peers as an attack has keep a connection over HTTP on which a request was answered.
async fn over_http(target: Target) -> Result<()> {
    let mut open = Vec::new();
    for _ in 0..target.scale.connections {
        let mut peer = Peer::connect(target).await?;
        let request = head_of(&["GET /healthz HTTP/1.1".into(), "Host: x".into()]);
        peer.send(&request).await?;
        peer.response().await?.context("no answer")?;
        open.push(peer);
    }
    Ok(())
}

/// Members that say something, in ten rooms.
async fn in_rooms(target: Target) -> Result<()> {
    for number in 0..SPEAKERS {
        let mut member = Member::join(target).await?;
        let room = format!("warm {}", number % 10);
        member.say(&publish(1, &room, &vec![b'x'; number * 100])).await?;
        member.wait_for(&[PUBLISHED]).await?;
    }
    Ok(())
}

/// What the server has once what the warm-up left behind is gone.
pub(crate) async fn at_rest(process: Process) -> Result<Rest> {
    let mut least = Rest::of(process)?;
    // As long as it gets less within this time, it is not at rest.
    loop {
        let gets_less = |now: Rest| now.descriptors < least.descriptors || now.resident * 100 < least.resident * 99;
        let now = Rest::wait(process, Duration::from_secs(6), gets_less).await?;
        if !gets_less(now) {
            return Ok(now);
        }
        least = now;
    }
}
