//! Good peers, who must be served after each attack as before it.

use anyhow::{Context, Result, ensure};

use crate::{
    answer::Answer::GoesOn,
    frame::{FIN, Received, TEXT, frame},
    http::head_of,
    peer::{Peer, within},
    room::{MESSAGE, Member, PUBLISHED, publish},
    target::Target,
};

const SAID: &[u8] = b"a message of some length, such as people write";

/// Good peers at each path.
///
/// # Errors
///
/// When one is not served, or too late.
pub(crate) async fn ask(target: Target, paths: &[String]) -> Result<()> {
    if !target.has_rooms {
        for path in paths {
            let answer = Peer::open(target, path).await?.goes_on().await?;
            ensure!(answer == GoesOn, "a good peer at {path}: {answer}");
        }
        return Ok(());
    }
    within("a good peer at /echo", at_echo(target))
        .await?
        .context("a good peer at /echo")?;
    within("a good peer at /chat", in_chat(target))
        .await?
        .context("a good peer at /chat")?;
    within("good peers at /ws", in_room(target))
        .await?
        .context("good peers at /ws")?;
    within("a good request", health(target))
        .await?
        .context("a good request")
}

async fn at_echo(target: Target) -> Result<()> {
    let mut peer = Peer::open(target, "/echo").await?;
    peer.send(&frame(FIN | TEXT, SAID)).await?;
    expect(peer.frame().await?, SAID)
}

async fn in_chat(target: Target) -> Result<()> {
    let mut peer = Peer::open(target, "/chat").await?;
    expect(peer.frame().await?, b"Welcome to the WebSocket server!")?;
    peer.send(&frame(FIN | TEXT, SAID)).await?;
    // Others may talk in the same chat.
    loop {
        match peer.frame().await? {
            Some(frame) if frame.payload.starts_with(b"Broadcast: ") => {}
            frame => return expect(frame, &[b"Server received: ", SAID].concat()),
        }
    }
}

fn expect(frame: Option<Received>, payload: &[u8]) -> Result<()> {
    let frame = frame.context("the connection ended")?;
    ensure!(
        frame.opcode == TEXT && frame.payload == payload,
        "{frame:?} instead of what was due"
    );
    Ok(())
}

/// One says something, and another hears it.
async fn in_room(target: Target) -> Result<()> {
    const ROOM: &str = "witness";
    let (mut ann, mut bob) = (Member::join(target).await?, Member::join(target).await?);
    bob.enter(ROOM).await?;
    ann.say(&publish(1, ROOM, SAID)).await?;
    ann.wait_for(&[PUBLISHED]).await?;
    let (_, body) = bob.wait_for(&[MESSAGE]).await?;
    ensure!(body.ends_with(SAID), "another message than was said");
    Ok(())
}

async fn health(target: Target) -> Result<()> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&head_of(&["GET /healthz HTTP/1.1".into(), "Host: x".into()]))
        .await?;
    let status = peer.head().await?.context("no answer")?.status;
    ensure!(status == 200, "status {status}");
    Ok(())
}
