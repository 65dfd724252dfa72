//! What is asked of `/api`: names and queries that make no sense, and keys without end.

use anyhow::{Context, Result, ensure};

use crate::{
    answer::Answer::{self, Status},
    attack::Attack,
    http::head_of,
    peer::Peer,
    target::Target,
};

const MESSAGES: &[&str] = &["/api/rooms/lobby/messages"];
const ROOMS: &[&str] = &["/api/rooms"];

const BAD: &[Answer] = &[Status(400)];

/// A GET of what follows the path.
fn get(path: &str, rest: &str) -> Vec<u8> {
    head_of(&[format!("GET {path}{rest} HTTP/1.1"), "Host: x".into()])
}

pub(super) static ATTACKS: &[Attack] = &[
    Attack::request("room that is not UTF-8", BAD, |path| {
        get(path, "/%ff%fe/messages?last=1")
    })
    .at(ROOMS),
    Attack::request("room with a NUL in its name", BAD, |path| {
        get(path, "/%00/messages?last=1")
    })
    .at(ROOMS),
    Attack::request("room with half an escape", &[Status(400), Status(200)], |path| {
        get(path, "/%f/messages?last=1")
    })
    .at(ROOMS),
    Attack::request("room of 4 KiB", BAD, |path| {
        get(path, &format!("/{}/messages?last=1", "r".repeat(4096)))
    })
    .at(ROOMS),
    Attack::request("room without a name", &[Status(400), Status(404)], |path| {
        get(path, "//messages?last=1")
    })
    .at(ROOMS),
    Attack::request("room above all rooms", &[Status(400), Status(404)], |path| {
        get(path, "/../../messages")
    })
    .at(ROOMS),
    Attack::request("2^64 - 1 last messages", &[Status(400), Status(200)], |path| {
        get(path, "?last=18446744073709551615")
    })
    .at(MESSAGES),
    Attack::request("2^64 last messages", BAD, |path| {
        get(path, "?last=18446744073709551616")
    })
    .at(MESSAGES),
    Attack::request("number of messages below zero", BAD, |path| get(path, "?last=-1")).at(MESSAGES),
    Attack::request("position that is none", BAD, |path| get(path, "?after=zz:1")).at(MESSAGES),
    Attack::request("query of 8 KiB", BAD, |path| {
        get(path, &format!("?last={}", "1".repeat(8192)))
    })
    .at(MESSAGES),
    Attack::request("DELETE", &[Status(405)], |path| {
        head_of(&[format!("DELETE {path} HTTP/1.1"), "Host: x".into()])
    })
    .at(MESSAGES),
    Attack::mass("publishes with a key each", &[Status(201)], |target, path| {
        Box::pin(keys(target, path))
    })
    .at(MESSAGES),
    Attack::mass("publishes with keys of 4 KiB", BAD, |target, path| {
        Box::pin(async move { publish(&mut Peer::connect(target).await?, path, &"k".repeat(4096)).await })
    })
    .at(MESSAGES),
];

/// A message under a key that the server remembers for a while.
async fn publish(peer: &mut Peer, path: &str, key: &str) -> Result<Answer> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\nContent-Length: 1\r\n\r\nx");
    peer.send(head.as_bytes()).await?;
    let (head, _) = peer.response().await?.context("the connection ended")?;
    Ok(Status(head.status))
}

async fn keys(target: Target, path: &str) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    for number in 0..target.scale.items / 4 {
        let answer = publish(&mut peer, path, &format!("key {number}")).await?;
        ensure!(answer == Status(201), "{answer} to publish {number}");
    }
    Ok(Status(201))
}
