//! Addresses that do more than one may. Good peers come from another address, and must be served meanwhile.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail, ensure};

use crate::{
    answer::Answer::{self, Close, Dropped, GoesOn, Refused, Status},
    attack::Attack,
    frame::close,
    http::{head_of, upgrade},
    peer::Peer,
    room::{Member, PUBLISHED, REFUSED, batch, code, hello, publish},
    target::Target,
    witness,
};

const WS: &[&str] = &["/ws"];
const ECHO: &[&str] = &["/echo"];

/// More than any limit that is hit here.
const MANY: u64 = 2000;

/// Who comes too often, or too much, is told to come back later.
const LATER: &[Answer] = &[Status(429)];

/// Too fast.
const TOO_FAST: &[Answer] = &[Refused(101)];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::mass("more WebSockets than an address may have", LATER, |target, path| {
        Box::pin(hold(target, path, from(1)))
    })
    .at(ECHO),
    Attack::mass("WebSockets under addresses that are made up", LATER, |target, path| {
        Box::pin(made_up(target, path, from(2)))
    })
    .at(ECHO),
    Attack::mass(
        "more WebSockets than there may be, from many addresses",
        &[Status(503)],
        |target, path| Box::pin(fill(target, path)),
    )
    .at(ECHO),
    Attack::mass("handshakes as fast as they go", LATER, |target, path| {
        Box::pin(churn(target, path, from(3)))
    })
    .at(ECHO),
    Attack::mass("half-open connections of one address", &[Dropped], |target, _| {
        Box::pin(half_open(target, from(4)))
    })
    .at(ECHO),
    Attack::mass(
        "more sessions than an address may have",
        &[Close(4104)],
        |target, path| Box::pin(sessions(target, path, from(5))),
    )
    .at(WS),
    Attack::mass("publishes as fast as they go", TOO_FAST, |target, path| {
        Box::pin(publishes(target, path, from(6), |_| "limits".into()))
    })
    .at(WS),
    Attack::mass("rooms made as fast as they go", TOO_FAST, |target, path| {
        Box::pin(publishes(target, path, from(7), |number| format!("limits {number}")))
    })
    .at(WS),
    Attack::mass("requests as fast as they go", LATER, |target, path| {
        Box::pin(requests(target, path, from(8)))
    })
    .at(&["/api/rooms/lobby/messages"]),
];

/// Each attack has an address of its own, so that none suffers from what another has used up.
const fn from(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 3, number)
}

/// A handshake from an address, with one more line, and what is answered.
async fn ask(target: Target, path: &str, from: Ipv4Addr, line: String) -> Result<(Peer, Answer)> {
    let mut peer = Peer::connect_from(target, from).await?;
    let mut request = upgrade(path);
    request.push(line);
    peer.send_while_taken(&head_of(&request)).await?;
    let answer = peer.status().await?;
    Ok((peer, answer))
}

/// Opens WebSockets until there may be no more. What it has, it keeps, and good peers are served all the same.
async fn hold(target: Target, path: &str, from: Ipv4Addr) -> Result<Answer> {
    let mut held = Vec::new();
    for _ in 0..MANY {
        let (peer, answer) = ask(target, path, from, "X: x".into()).await?;
        if answer != Status(101) {
            witness::ask(target, &[]).await?;
            return Ok(answer);
        }
        held.push(peer);
    }
    bail!("an address may have {MANY} WebSockets")
}

/// The same, and says in headers that it is another each time.
async fn made_up(target: Target, path: &str, from: Ipv4Addr) -> Result<Answer> {
    let mut held = Vec::new();
    for number in 0..MANY {
        let other = Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
        let lines = format!("X-Forwarded-For: {other}\r\nForwarded: for={other}\r\nX-Real-IP: {other}");
        let (peer, answer) = ask(target, path, from, lines).await?;
        if answer != Status(101) {
            return Ok(answer);
        }
        held.push(peer);
    }
    bail!("an address may have {MANY} WebSockets if it says that it is another")
}

/// Opens WebSockets from addresses that each have few, until there may be no more in all. Those that are there go on.
async fn fill(target: Target, path: &str) -> Result<Answer> {
    let mut held: Vec<Peer> = Vec::new();
    for number in 0..MANY {
        let from = Ipv4Addr::new(127, 0, 4, (number % 200) as u8 + 1);
        let (peer, answer) = ask(target, path, from, "X: x".into()).await?;
        if answer != Status(101) {
            for peer in &mut held {
                ensure!(peer.goes_on().await? == GoesOn, "a WebSocket ended because others came");
            }
            return Ok(answer);
        }
        held.push(peer);
    }
    bail!("there may be {MANY} WebSockets")
}

/// Opens WebSockets and closes them, one after the other.
async fn churn(target: Target, path: &str, from: Ipv4Addr) -> Result<Answer> {
    for _ in 0..MANY {
        let (mut peer, answer) = ask(target, path, from, "X: x".into()).await?;
        if answer != Status(101) {
            return Ok(answer);
        }
        peer.send(&close(1000, b"")).await?;
        peer.verdict().await?;
    }
    bail!("an address may open {MANY} WebSockets as fast as it can")
}

/// Connections that say nothing, more than one address may have: those past the limit end at once, and others are served.
async fn half_open(target: Target, from: Ipv4Addr) -> Result<Answer> {
    let mut peers = Vec::new();
    for _ in 0..MANY {
        peers.push(Peer::connect_from(target, from).await?);
    }
    witness::ask(target, &[]).await?;
    for mut peer in peers {
        ensure!(peer.rest().await? == 0, "an answer to nothing");
    }
    Ok(Dropped)
}

async fn sessions(target: Target, path: &str, from: Ipv4Addr) -> Result<Answer> {
    let mut held = Vec::new();
    for _ in 0..MANY {
        let (mut peer, answer) = ask(target, path, from, "X: x".into()).await?;
        ensure!(answer == Status(101), "{answer} to a handshake");
        peer.send(&batch(&hello(1, None))).await?;
        let answer = peer.goes_on().await?;
        if answer != GoesOn {
            return Ok(answer);
        }
        held.push(peer);
    }
    bail!("an address may have {MANY} sessions")
}

/// Publishes until one is refused, and sees that the session goes on and others are served.
async fn publishes(target: Target, path: &str, from: Ipv4Addr, room: fn(u64) -> String) -> Result<Answer> {
    let (peer, answer) = ask(target, path, from, "X: x".into()).await?;
    ensure!(answer == Status(101), "{answer} to a handshake");
    let mut member = Member::over(peer, 1, None).await?;
    for sequence in 1..=MANY {
        member.say(&publish(sequence, &room(sequence), b"x")).await?;
        let heard = member.wait_for(&[PUBLISHED, REFUSED]).await?;
        if heard.0 == REFUSED {
            witness::ask(target, &[]).await?;
            ensure!(member.peer.goes_on().await? == GoesOn, "closed instead of refused");
            return Ok(Refused(code(&heard)?));
        }
    }
    bail!("a session may publish {MANY} messages as fast as it can")
}

async fn requests(target: Target, path: &str, from: Ipv4Addr) -> Result<Answer> {
    let mut peer = Peer::connect_from(target, from).await?;
    for _ in 0..MANY {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
        peer.send(head.as_bytes()).await?;
        let (head, _) = peer.response().await?.context("the connection ended")?;
        if head.status != 201 {
            return Ok(Status(head.status));
        }
    }
    bail!("an address may ask {MANY} times as fast as it can")
}
