//! Frames of the room protocol, as `docs/PROTOCOL.md` defines them.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::interval;

use crate::{
    frame::{self, BINARY, CLOSE, FIN},
    peer::Peer,
    target::Target,
};

pub(crate) const PING: u8 = 0x01;
pub(crate) const PONG: u8 = 0x02;
pub(crate) const CLOSED: u8 = 0x03;
pub(crate) const HELLO: u8 = 0x10;
pub(crate) const SUBSCRIBE: u8 = 0x12;
pub(crate) const UNSUBSCRIBE: u8 = 0x13;
pub(crate) const PUBLISH: u8 = 0x14;
pub(crate) const SIGNAL: u8 = 0x16;
pub(crate) const WELCOME: u8 = 0x40;
pub(crate) const SUBSCRIBED: u8 = 0x42;
pub(crate) const UNSUBSCRIBED: u8 = 0x43;
pub(crate) const MESSAGE: u8 = 0x44;
pub(crate) const PUBLISHED: u8 = 0x47;
pub(crate) const REFUSED: u8 = 0x48;

/// 16 bytes that name a session.
pub(crate) type Session = [u8; 16];

/// A frame: kind, length, body.
pub(crate) fn put(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[kind][..], &varint(body.len() as u64), &body].concat()
}

/// A number, seven bits a byte, the lowest first.
pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A text with its length.
pub(crate) fn text(text: &[u8]) -> Vec<u8> {
    [&varint(text.len() as u64), text].concat()
}

/// A hello of version 1 without a token.
pub(crate) fn hello(attempt: u64, session: Option<Session>) -> Vec<u8> {
    hello_with(1, attempt, session, 0)
}

pub(crate) fn hello_with(version: u64, attempt: u64, session: Option<Session>, answered: u64) -> Vec<u8> {
    let session = session.map_or(vec![0], |it| [&[16][..], &it].concat());
    put(
        HELLO,
        &[&varint(version), &varint(attempt), &session, &varint(answered), &[0]],
    )
}

/// Subscribes to what is said from now on.
pub(crate) fn subscribe(request: u64, room: &str) -> Vec<u8> {
    put(SUBSCRIBE, &[&varint(request), &[0], &text(room.as_bytes())])
}

pub(crate) fn unsubscribe(request: u64) -> Vec<u8> {
    put(UNSUBSCRIBE, &[&varint(request)])
}

pub(crate) fn publish(sequence: u64, room: &str, payload: &[u8]) -> Vec<u8> {
    put(PUBLISH, &[&varint(sequence), &text(room.as_bytes()), payload])
}

pub(crate) fn signal(room: &str, payload: &[u8]) -> Vec<u8> {
    put(SIGNAL, &[&text(room.as_bytes()), payload])
}

/// A batch as a message of `/ws`.
pub(crate) fn batch(frames: &[u8]) -> Vec<u8> {
    frame::frame(FIN | BINARY, frames)
}

/// A frame of the server: its kind and its body.
pub(crate) type Heard = (u8, Vec<u8>);

/// The frames of a batch.
pub(crate) fn split(mut batch: &[u8]) -> Result<Vec<Heard>> {
    let mut frames = Vec::new();
    while let [kind, rest @ ..] = batch {
        batch = rest;
        let length = number(&mut batch)? as usize;
        let (body, rest) = batch.split_at_checked(length).context("a frame of the server is cut")?;
        frames.push((*kind, body.to_vec()));
        batch = rest;
    }
    Ok(frames)
}

/// Takes a number off.
pub(crate) fn number(bytes: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().context("a number of the server is cut")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    bail!("a number of the server is too long")
}

/// The code of a *refused* or of a *close*.
pub(crate) fn code((kind, body): &Heard) -> Result<u16> {
    let mut body = &body[..];
    if *kind == REFUSED {
        body = body.get(1..).context("an empty refusal")?;
        number(&mut body)?;
    }
    Ok(u16::try_from(number(&mut body)?)?)
}

/// An open WebSocket at any path, on which as much was said as the server waits for.
pub(crate) async fn ready(target: Target, path: &str) -> Result<Peer> {
    greeted(target, path, Peer::open(target, path).await?).await
}

/// The same, and it soon holds the server up when it does not read.
pub(crate) async fn ready_small(target: Target, path: &str) -> Result<Peer> {
    greeted(target, path, Peer::open_small(target, path).await?).await
}

async fn greeted(target: Target, path: &str, peer: Peer) -> Result<Peer> {
    if path == "/ws" && target.has_rooms {
        return Ok(Member::over(peer, 1, None).await?.peer);
    }
    Ok(peer)
}

/// Somebody who has joined, over `/ws`.
pub(crate) struct Member {
    pub(crate) peer: Peer,
    pub(crate) session: Session,
    waiting: VecDeque<Heard>,
}

impl Member {
    /// Says hello and is welcomed.
    pub(crate) async fn join(target: Target) -> Result<Self> {
        Self::over(Peer::open(target, "/ws").await?, 1, None).await
    }

    /// The same over an open WebSocket.
    pub(crate) async fn over(mut peer: Peer, attempt: u64, session: Option<Session>) -> Result<Self> {
        peer.send(&batch(&hello(attempt, session))).await?;
        let waiting = VecDeque::new();
        let session = [0; 16];
        let mut member = Self { peer, session, waiting };
        let (kind, body) = member.heard().await?;
        ensure!(kind == WELCOME, "{kind:#04x} instead of a welcome");
        member.session = body.get(1..17).context("a short welcome")?.try_into()?;
        Ok(member)
    }

    /// Sends frames as one batch.
    pub(crate) async fn say(&mut self, frames: &[u8]) -> Result<()> {
        self.peer.send(&batch(frames)).await
    }

    /// The next frame; pings are answered.
    pub(crate) async fn heard(&mut self) -> Result<Heard> {
        loop {
            match self.waiting.pop_front() {
                Some((PING, nonce)) => self.say(&put(PONG, &[&nonce])).await?,
                Some(heard) => return Ok(heard),
                None => {
                    let frame = self.peer.frame().await?.context("the connection ended")?;
                    match frame.opcode {
                        BINARY => self.waiting.extend(split(&frame.payload)?),
                        CLOSE => bail!("closed with {}", frame.close_code()),
                        _ => {}
                    }
                }
            }
        }
    }

    /// The next frame of one of these kinds.
    pub(crate) async fn wait_for(&mut self, kinds: &[u8]) -> Result<Heard> {
        loop {
            let heard = self.heard().await?;
            if kinds.contains(&heard.0) {
                return Ok(heard);
            }
        }
    }

    /// Subscribes to what is said in a room from now on. Where there are as many rooms as there may be, because an attack has
    /// made them, it waits until some are gone.
    pub(crate) async fn enter(&mut self, room: &str) -> Result<()> {
        let mut ticks = interval(Duration::from_millis(50));
        for request in 1.. {
            ticks.tick().await;
            self.say(&subscribe(request, room)).await?;
            let heard = self.wait_for(&[SUBSCRIBED, REFUSED]).await?;
            match heard.0 {
                SUBSCRIBED => break,
                _ if code(&heard)? == TOO_MANY_ROOMS => {}
                _ => bail!("refused with {}", code(&heard)?),
            }
        }
        Ok(())
    }
}

/// There are as many rooms as there may be.
const TOO_MANY_ROOMS: u16 = 102;
