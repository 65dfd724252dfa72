//! A session that comes back for each thing that it says, by one transport after another, of either kind.

use std::net::SocketAddr;

use tidewire_protocol::{
    CloseCode, Frame as _, Request, Sequence, SessionId,
    frame::{
        ClientFrame, Hello, Nonce, Payload, PresenceWanted, Publish, RefusalCode, RefusedWhat, Start, Subscribe, Token,
        VERSION,
    },
};

use crate::{Head, Heard, Raw, Wire, polls};

/// The kind of its transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Over {
    WebSocket,
    Polls,
}

/// A session that says what a test wants on a new transport each time.
#[derive(Debug)]
pub struct Visitor {
    over: Over,
    address: SocketAddr,
    /// What each hello shows.
    pub token: Vec<u8>,
    /// The session to go on with.
    pub session: Option<SessionId>,
    attempt: u64,
    request: u32,
    sequence: u64,
}

impl Over {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Polls];
}

impl Visitor {
    /// One without a session.
    #[must_use]
    pub fn new(over: Over, address: SocketAddr, token: Vec<u8>) -> Self {
        Self {
            over,
            address,
            token,
            session: None,
            attempt: 0,
            request: 0,
            sequence: 0,
        }
    }

    /// Connects anew, says this, and returns all that is told at once.
    pub async fn visit(&mut self, frames: &[ClientFrame<'_>]) -> Vec<Heard> {
        self.attempt += 1;
        let token = self.token.clone();
        let hello = ClientFrame::Hello(Hello {
            version: VERSION,
            attempt: self.attempt,
            session: self.session,
            answered: Sequence(0),
            token: Token(&token),
        });
        let heard = match self.over {
            Over::WebSocket => self.visit_stream(hello, frames).await,
            Over::Polls => self.poll(hello, frames).await,
        };
        if let Some(Heard::Welcome(welcomed)) = heard.first() {
            self.session = Some(welcomed.session);
        }
        heard
    }

    async fn visit_stream(&self, hello: ClientFrame<'_>, rest: &[ClientFrame<'_>]) -> Vec<Heard> {
        let mut wire = Wire::open(self.address).await;
        wire.say(hello).await;
        let mut heard = vec![wire.next().await];
        if matches!(heard[0], Heard::Welcome(_)) {
            wire.say_all(rest).await;
            // By itself: a ping is answered before what comes in one batch with it.
            wire.say(PING).await;
        }
        while !matches!(heard.last(), Some(Heard::Pong | Heard::Close(_))) {
            heard.push(wire.next().await);
        }
        heard
    }

    async fn poll(&self, hello: ClientFrame<'_>, rest: &[ClientFrame<'_>]) -> Vec<Heard> {
        let mut batch = Vec::new();
        for frame in [hello].iter().chain(rest).chain([&PING]) {
            frame.encode(&mut batch);
        }
        let mut raw = Raw::connect(self.address).await;
        raw.send(&polls::request(&batch)).await;
        let (Head { .. }, body) = raw.answer().await;
        polls::heard(&body)
    }

    /// The code that a visit is closed with, if it is.
    pub async fn closed(&mut self) -> Option<CloseCode> {
        self.visit(&[]).await.into_iter().find_map(|heard| match heard {
            Heard::Close(code) => Some(code),
            _ => None,
        })
    }

    /// Publishes, and returns why that was refused, if it was.
    pub async fn publish(&mut self, room: &str, text: &str) -> Result<(), RefusalCode> {
        self.sequence += 1;
        let publish = ClientFrame::Publish(Publish {
            sequence: Sequence(self.sequence),
            room,
            payload: Payload::Text(text),
        });
        let what = RefusedWhat::Publish(Sequence(self.sequence));
        let heard = self.visit(&[publish]).await;
        refusal(&heard, what)
    }

    /// The same, where the answer may take its time: asks for it by another visit, as a client does.
    pub async fn publish_and_wait(&mut self, room: &str, text: &str) -> Result<(), RefusalCode> {
        self.publish(room, text).await?;
        let what = RefusedWhat::Publish(Sequence(self.sequence));
        loop {
            let heard = self.visit(&[]).await;
            refusal(&heard, what)?;
            let sequence = Sequence(self.sequence);
            if heard
                .iter()
                .any(|it| matches!(it, Heard::Published(found, _) if *found == sequence))
            {
                return Ok(());
            }
        }
    }

    /// Subscribes, and returns what is told; or why that was refused.
    pub async fn subscribe(
        &mut self,
        room: &str,
        start: Start,
        presence: PresenceWanted,
    ) -> Result<Vec<Heard>, RefusalCode> {
        self.request += 1;
        let request = Request(self.request);
        let subscribe = ClientFrame::Subscribe(Subscribe {
            request,
            start,
            presence,
            room,
        });
        let heard = self.visit(&[subscribe]).await;
        refusal(&heard, RefusedWhat::Subscription(request)).map(|()| heard)
    }
}

const PING: ClientFrame<'_> = ClientFrame::Ping(Nonce(7));

fn refusal(heard: &[Heard], what: RefusedWhat) -> Result<(), RefusalCode> {
    let mut refusals = heard.iter().filter_map(|heard| match heard {
        Heard::Refused(refused) if refused.what == what => Some(refused.code),
        _ => None,
    });
    refusals.next().map_or(Ok(()), Err)
}
