//! Opening handshakes that break [RFC 6455, section 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1).

use anyhow::Result;

use crate::{
    answer::Answer::{self, Close, GoesOn, Status},
    attack::Attack,
    frame::{self, BINARY, FIN, PING},
    http::{head_of, upgrade},
    peer::Peer,
    target::Target,
};

/// A good handshake in which the lines that begin with `name` are these instead.
fn with(path: &str, name: &str, lines: &[&str]) -> Vec<u8> {
    let mut request = upgrade(path);
    let at = request.iter().position(|line| line.starts_with(name)).unwrap_or(1);
    request.splice(at..=at, lines.iter().map(|&line| line.to_owned()));
    head_of(&request)
}

fn with_key(path: &str, keys: &[&str]) -> Vec<u8> {
    let lines: Vec<_> = keys.iter().map(|key| format!("Sec-WebSocket-Key: {key}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    with(path, "Sec-WebSocket-Key", &lines)
}

fn with_version(path: &str, versions: &[&str]) -> Vec<u8> {
    let lines: Vec<_> = versions
        .iter()
        .map(|it| format!("Sec-WebSocket-Version: {it}"))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    with(path, "Sec-WebSocket-Version", &lines)
}

const GOOD_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const BAD: &[Answer] = &[Status(400)];
const NO_UPGRADE: &[Answer] = &[Status(426)];
const ACCEPTED: &[Answer] = &[Status(101)];

pub(super) static ATTACKS: &[Attack] = &[
    Attack::request("no key", BAD, |path| with_key(path, &[])),
    Attack::request("empty key", BAD, |path| with_key(path, &[""])),
    Attack::request("key of 15 bytes", BAD, |path| with_key(path, &["AAAAAAAAAAAAAAAAAAAA"])),
    Attack::request("key of 17 bytes", BAD, |path| {
        with_key(path, &["AAAAAAAAAAAAAAAAAAAAAAA="])
    }),
    Attack::request("key without padding", BAD, |path| {
        with_key(path, &["dGhlIHNhbXBsZSBub25jZQ"])
    }),
    Attack::request("key that is no base64", BAD, |path| {
        with_key(path, &["not base64 at all !!!!!!"])
    }),
    Attack::request("key of 8 KiB", BAD, |path| with_key(path, &[&"A".repeat(8192)])),
    Attack::request("two keys", BAD, |path| with_key(path, &[GOOD_KEY, GOOD_KEY])),
    Attack::request("no Host", BAD, |path| with(path, "Host", &[])),
    Attack::request("two Hosts", BAD, |path| {
        with(path, "Host", &["Host: localhost", "Host: elsewhere"])
    }),
    Attack::request("Host that is none", BAD, |path| with(path, "Host", &["Host: a b/c"])),
    Attack::request("HTTP/1.0", BAD, |path| {
        with(path, "GET", &[&format!("GET {path} HTTP/1.0")])
    }),
    Attack::request("version 12", NO_UPGRADE, |path| with_version(path, &["12"])),
    Attack::request("version 14", NO_UPGRADE, |path| with_version(path, &["14"])),
    Attack::request("no version", NO_UPGRADE, |path| with_version(path, &[])),
    Attack::request("two versions", &[Status(400), Status(426)], |path| {
        with_version(path, &["13", "8"])
    }),
    Attack::request("POST", &[Status(405)], |path| {
        with(path, "GET", &[&format!("POST {path} HTTP/1.1")])
    }),
    Attack::request("Upgrade without Connection", NO_UPGRADE, |path| {
        with(path, "Connection", &[])
    }),
    Attack::request("Connection without Upgrade", NO_UPGRADE, |path| {
        with(path, "Upgrade", &[])
    }),
    Attack::request("upgrade to something else", NO_UPGRADE, |path| {
        with(path, "Upgrade", &["Upgrade: h2c"])
    }),
    Attack::request("body with the upgrade", BAD, |path| {
        [
            &with(path, "Host", &["Host: localhost", "Content-Length: 6"])[..],
            b"\x89\x80\0\0\0\0",
        ]
        .concat()
    }),
    Attack::request("chunked body with the upgrade", BAD, |path| {
        [
            &with(path, "Host", &["Host: localhost", "Transfer-Encoding: chunked"])[..],
            b"0\r\n\r\n",
        ]
        .concat()
    }),
    Attack::request("absolute form of the target", ACCEPTED, |path| {
        with(path, "GET", &[&format!("GET http://localhost{path} HTTP/1.1")])
    }),
    Attack::act("frames together with the handshake", &[GoesOn], |target, path| {
        Box::pin(early(target, path, frame::frame(FIN | PING, b"early"), b"early"))
    }),
    Attack::act("another request after the handshake", &[Close(1002)], |target, path| {
        Box::pin(early(target, path, head_of(&upgrade(path)), b""))
    }),
    Attack::act(
        "a bad frame together with the handshake",
        &[Close(1002)],
        |target, path| Box::pin(early(target, path, frame::unmasked(FIN | BINARY, b"early"), b"")),
    ),
];

/// Sends a good handshake and what is to follow it in one segment, and waits for the pong if there is to be one.
async fn early(target: Target, path: &str, bytes: Vec<u8>, pong: &[u8]) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    peer.send(&[head_of(&upgrade(path)), bytes].concat()).await?;
    peer.expect_upgrade().await?;
    while !pong.is_empty() {
        match peer.frame().await? {
            Some(frame) if frame.payload == pong => break,
            Some(_) => {}
            None => return Ok(Answer::Dropped),
        }
    }
    peer.goes_on().await
}
