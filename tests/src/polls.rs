//! A client that polls and says exactly what a test wants, one request at a time.

use std::net::SocketAddr;

use http::StatusCode;
use tidewire_protocol::{
    Frame as _, Offset, Position, Request, Sequence, SessionId, decode,
    frame::{ClientFrame, Hello, Payload, PresenceWanted, Publish, ServerFrame, Start, Subscribe, Token, VERSION},
};

use crate::{Head, Heard, Raw};

/// A session whose transport is polls.
#[derive(Debug)]
pub struct Poller {
    /// The server that the next poll goes to.
    pub address: SocketAddr,
    /// The session to go on with.
    pub session: Option<SessionId>,
    /// The attempt of the last hello.
    pub attempt: u64,
    /// Every publish up to this one has been answered.
    pub answered: u64,
    /// What each poll subscribes to.
    pub wants: Wants,
    /// What each hello shows.
    pub token: Vec<u8>,
}

/// A subscription to one room, which every poll asks for.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are those of `Subscribe`")]
pub struct Wants {
    pub room: &'static str,
    pub start: Start,
    pub presence: PresenceWanted,
}

/// A poll that was sent.
#[derive(Debug)]
pub struct Waiting {
    raw: Raw,
}

impl Poller {
    /// One that has no session yet, and wants what is said in `lobby` from now on.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            session: None,
            attempt: 0,
            answered: 0,
            wants: Wants {
                room: "lobby",
                start: Start::Now,
                presence: PresenceWanted::Nothing,
            },
            token: Vec::new(),
        }
    }

    /// Begins a session and subscribes.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn join(address: SocketAddr) -> Self {
        let mut poller = Self::new(address);
        let answer = poller.poll(&[]).await;
        assert!(
            matches!(answer[..2], [Heard::Welcome(_), Heard::Subscribed(_)]),
            "{answer:?}"
        );
        poller
    }

    /// The batch of the next poll: hello, the subscription, and what else is to be said.
    pub fn batch(&mut self, frames: &[ClientFrame<'_>]) -> Vec<u8> {
        self.attempt += 1;
        let hello = ClientFrame::Hello(Hello {
            version: VERSION,
            attempt: self.attempt,
            session: self.session,
            answered: Sequence(self.answered),
            token: Token(&self.token),
        });
        let Wants { room, start, presence } = self.wants;
        let subscribe = ClientFrame::Subscribe(Subscribe {
            request: Request(u32::try_from(self.attempt).expect("few attempts")),
            start,
            presence,
            room,
        });
        let mut batch = Vec::new();
        for frame in [hello, subscribe].iter().chain(frames) {
            frame.encode(&mut batch);
        }
        batch
    }

    /// Sends a poll on a connection of its own, without waiting for the answer.
    pub async fn send(&mut self, frames: &[ClientFrame<'_>]) -> Waiting {
        let raw = Raw::connect(self.address).await;
        self.send_on(raw, frames).await
    }

    /// Sends a poll on a connection that is there already.
    pub async fn send_on(&mut self, mut raw: Raw, frames: &[ClientFrame<'_>]) -> Waiting {
        raw.send(&request(&self.batch(frames))).await;
        Waiting { raw }
    }

    /// Polls, and takes note of the session and of how far the subscription has come.
    pub async fn poll(&mut self, frames: &[ClientFrame<'_>]) -> Vec<Heard> {
        let answer = self.send(frames).await.answer().await;
        self.take(&answer);
        answer
    }

    /// Takes note of what an answer says.
    pub fn take(&mut self, answer: &[Heard]) {
        for heard in answer {
            match heard {
                Heard::Welcome(welcomed) => self.session = Some(welcomed.session),
                Heard::Subscribed(subscribed) => self.wants.start = Start::After(subscribed.position),
                Heard::Message(said) => {
                    if let Start::After(position) = &mut self.wants.start {
                        position.offset = said.offset;
                    }
                }
                Heard::Published(sequence, _) => self.answered = self.answered.max(sequence.0),
                _ => {}
            }
        }
    }

    /// The position of the subscription.
    ///
    /// # Panics
    ///
    /// When it has none.
    #[must_use]
    pub fn position(&self) -> Position {
        match self.wants.start {
            Start::After(position) => position,
            other => panic!("{other:?}"),
        }
    }
}

impl Waiting {
    /// Waits for the answer, whose status must be 200.
    pub async fn answer(mut self) -> Vec<Heard> {
        self.heard().await
    }

    /// The same, and the connection may be used again.
    ///
    /// # Panics
    ///
    /// When it is another answer, or what it holds is no batch.
    pub async fn heard(&mut self) -> Vec<Heard> {
        let (head, body) = self.response().await;
        assert_eq!(head.status, StatusCode::OK);
        heard(&body)
    }

    /// Waits for the answer as it is.
    pub async fn response(&mut self) -> (Head, Vec<u8>) {
        self.raw.answer().await
    }

    /// The connection.
    #[must_use]
    pub fn into_raw(self) -> Raw {
        self.raw
    }
}

/// A text to be published in `lobby`.
#[must_use]
pub fn publish(sequence: u64, text: &str) -> ClientFrame<'_> {
    ClientFrame::Publish(Publish {
        sequence: Sequence(sequence),
        room: "lobby",
        payload: Payload::Text(text),
    })
}

/// The request of a poll with this body.
#[must_use]
pub fn request(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /poll HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The frames of an answer.
///
/// # Panics
///
/// When it is no batch.
#[must_use]
pub fn heard(body: &[u8]) -> Vec<Heard> {
    decode::<ServerFrame<'_>>(body)
        .map(|frame| frame.expect("a good frame").into())
        .collect()
}

/// The offsets of the messages in an answer.
#[must_use]
pub fn offsets(answer: &[Heard]) -> Vec<Offset> {
    let offsets = answer.iter().filter_map(|heard| match heard {
        Heard::Message(said) => Some(said.offset),
        _ => None,
    });
    offsets.collect()
}
