//! A client of the room protocol that says exactly what a test wants, one frame at a time.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tidewire_protocol::{
    CloseCode, Frame as _, Offset, OwnedPayload, Position, Request, RoomNumber, Sequence, SessionId, decode,
    frame::{
        ClientFrame, Gap, Hello, Outcome, Payload, PresenceWanted, Publish, Refused, ServerFrame, Start, Subscribe,
        Subscribed, Terms, Token, VERSION,
    },
};
use tokio_tungstenite::tungstenite::Message;

use crate::Client;

/// A connection on which the room protocol is spoken by hand.
#[derive(Debug)]
pub struct Wire {
    client: Client,
    heard: VecDeque<Heard>,
    /// How many pings it has answered.
    answered: usize,
}

/// A server's frame, out of its batch.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of `ServerFrame`")]
pub enum Heard {
    Welcome(Welcomed),
    Subscribed(Subscribed),
    Unsubscribed(Request),
    Message(Said),
    Gap(Gap),
    Published(Sequence, Position),
    Refused(Refused),
    Signal(String, OwnedPayload),
    Joined(String),
    Left(String),
    Present(Vec<String>, More),
    GoAway,
    Ping,
    Pong,
    Close(CloseCode),
    /// A new token was taken, and is good for so long.
    Authenticated(Duration),
    Other,
}

/// Whether a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum More {
    Yes,
    No,
}

/// What a welcome says.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of `Welcome`")]
pub struct Welcomed {
    pub outcome: Outcome,
    pub session: SessionId,
    pub member: String,
    pub settled: Sequence,
    pub terms: Terms,
}

/// A message of a room.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of `Message`")]
pub struct Said {
    pub room: RoomNumber,
    pub offset: Offset,
    pub sender: String,
    pub payload: OwnedPayload,
}

impl Said {
    /// Its payload, which must be text.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.payload {
            OwnedPayload::Text(text) => text,
            OwnedPayload::Binary(_) => panic!("bytes where text was expected"),
        }
    }
}

impl Wire {
    /// Opens a transport, on which nothing is said yet.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_at(address, "/ws").await
    }

    /// Opens a transport at another path.
    pub async fn open_at(address: SocketAddr, path: &str) -> Self {
        Self {
            client: Client::connect(address, path).await,
            heard: VecDeque::new(),
            answered: 0,
        }
    }

    /// Opens a transport whose receive buffer is small.
    pub async fn open_with_small_buffer(address: SocketAddr) -> Self {
        Self {
            client: Client::connect_with_small_buffer(address, "/ws").await,
            heard: VecDeque::new(),
            answered: 0,
        }
    }

    /// Opens a transport from an address of its own.
    pub async fn open_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        Self {
            client: Client::connect_from(source, address, "/ws").await,
            heard: VecDeque::new(),
            answered: 0,
        }
    }

    /// Opens a transport and begins a session.
    pub async fn join(address: SocketAddr) -> (Self, Welcomed) {
        let mut wire = Self::open(address).await;
        let welcomed = wire.hello(None, 1, 0).await;
        (wire, welcomed)
    }

    /// Opens a transport and goes on with a session.
    pub async fn resume(address: SocketAddr, session: SessionId, attempt: u64, answered: u64) -> (Self, Welcomed) {
        let mut wire = Self::open(address).await;
        let welcomed = wire.hello(Some(session), attempt, answered).await;
        (wire, welcomed)
    }

    /// Says hello, and waits for the welcome.
    ///
    /// # Panics
    ///
    /// When something else comes.
    pub async fn hello(&mut self, session: Option<SessionId>, attempt: u64, answered: u64) -> Welcomed {
        self.hello_with(&[], session, attempt, answered).await
    }

    /// Says hello with a token, and waits for the welcome.
    ///
    /// # Panics
    ///
    /// When something else comes.
    pub async fn hello_with(
        &mut self,
        token: &[u8],
        session: Option<SessionId>,
        attempt: u64,
        answered: u64,
    ) -> Welcomed {
        self.say(ClientFrame::Hello(Hello {
            version: VERSION,
            attempt,
            session,
            answered: Sequence(answered),
            token: Token(token),
        }))
        .await;
        match self.next().await {
            Heard::Welcome(welcomed) => welcomed,
            other => panic!("{other:?} where a welcome was expected"),
        }
    }

    /// Sends a frame.
    pub async fn say(&mut self, frame: ClientFrame<'_>) {
        self.say_all(&[frame]).await;
    }

    /// Sends frames as one batch.
    pub async fn say_all(&mut self, frames: &[ClientFrame<'_>]) {
        let mut batch = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut batch));
        self.client.send(Message::binary(batch)).await;
    }

    /// Sends bytes as a batch.
    pub async fn say_bytes(&mut self, batch: &[u8]) {
        self.client.send(Message::binary(batch.to_vec())).await;
    }

    /// Asks for a room, without waiting.
    pub async fn ask(&mut self, request: u32, room: &str, start: Start, presence: Presence) {
        self.say(ClientFrame::Subscribe(Subscribe {
            request: Request(request),
            start,
            presence: presence.into(),
            room,
        }))
        .await;
    }

    /// Subscribes to a room without presence, and returns where it begins.
    ///
    /// # Panics
    ///
    /// When something else comes.
    pub async fn subscribe(&mut self, request: u32, room: &str, start: Start) -> Subscribed {
        self.ask(request, room, start, Presence::Untold).await;
        self.subscribed(request).await
    }

    /// Waits for the answer to a subscription.
    ///
    /// # Panics
    ///
    /// When something else comes.
    pub async fn subscribed(&mut self, request: u32) -> Subscribed {
        match self.next().await {
            Heard::Subscribed(subscribed) if subscribed.request == Request(request) => subscribed,
            other => panic!("{other:?} where a subscription was expected to begin"),
        }
    }

    /// Publishes a text, without waiting.
    pub async fn publish(&mut self, sequence: u64, room: &str, text: &str) {
        self.say(ClientFrame::Publish(Publish {
            sequence: Sequence(sequence),
            room,
            payload: Payload::Text(text),
        }))
        .await;
    }

    /// Sends a signal.
    pub async fn signal(&mut self, room: &str, text: &str) {
        let payload = Payload::Text(text);
        self.say(ClientFrame::Signal { room, payload }).await;
    }

    /// The next frame. Pings are answered and passed over.
    ///
    /// # Panics
    ///
    /// When the connection ends, or as [`Client::next`].
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            self.read().await;
        }
    }

    /// Answers so many pings. What comes beside them is heard later.
    ///
    /// # Panics
    ///
    /// As [`next`](Self::next).
    pub async fn answer_pings(&mut self, count: usize) {
        let enough = self.answered + count;
        while self.answered < enough {
            self.read().await;
        }
    }

    /// The next batch.
    async fn read(&mut self) {
        let Message::Binary(batch) = self.client.next().await else {
            panic!("something else than a batch");
        };
        for frame in decode::<ServerFrame<'_>>(&batch) {
            match frame.expect("a good frame") {
                ServerFrame::Ping(nonce) => {
                    self.say(ClientFrame::Pong(nonce)).await;
                    self.answered += 1;
                }
                frame => self.heard.push_back(frame.into()),
            }
        }
    }

    /// The next frame, which must be a message.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub async fn message(&mut self) -> Said {
        match self.next().await {
            Heard::Message(said) => said,
            other => panic!("{other:?} where a message was expected"),
        }
    }

    /// Passes over frames until the answer to a publish comes.
    pub async fn published(&mut self, sequence: u64) -> Position {
        loop {
            match self.next().await {
                Heard::Published(found, position) if found == Sequence(sequence) => return position,
                Heard::Refused(refused) => panic!("{refused:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the answer to a ping: all that was said before has been done by then.
    ///
    /// # Panics
    ///
    /// When something else comes first.
    pub async fn round_trip(&mut self) {
        self.say(ClientFrame::Ping(tidewire_protocol::frame::Nonce(7))).await;
        assert_eq!(self.next().await, Heard::Pong);
    }

    /// Reads to the WebSocket's close frame, and returns the code of the protocol's close and of that.
    pub async fn closed(mut self) -> (Option<CloseCode>, CloseCode) {
        let mut code = None;
        let mut take = |heard: Heard| {
            if let Heard::Close(said) = heard {
                code = Some(said);
            }
        };
        self.heard.drain(..).for_each(&mut take);
        let closed = self
            .client
            .closed_after(|message| {
                if let Message::Binary(batch) = message {
                    decode::<ServerFrame<'_>>(&batch)
                        .flatten()
                        .map(Heard::from)
                        .for_each(&mut take);
                }
            })
            .await;
        (code, closed)
    }

    /// The WebSocket itself.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// Whether a subscriber asks to be told who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Presence {
    Told,
    Untold,
}

impl From<Presence> for PresenceWanted {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Told => Self::List,
            Presence::Untold => Self::Nothing,
        }
    }
}

impl From<ServerFrame<'_>> for Heard {
    fn from(frame: ServerFrame<'_>) -> Self {
        match frame {
            ServerFrame::Welcome(welcome) => Self::Welcome(Welcomed {
                outcome: welcome.outcome,
                session: welcome.session,
                member: welcome.member.to_owned(),
                settled: welcome.settled,
                terms: welcome.terms,
            }),
            ServerFrame::Subscribed(subscribed) => Self::Subscribed(subscribed),
            ServerFrame::Unsubscribed { request } => Self::Unsubscribed(request),
            ServerFrame::Message(message) => Self::Message(Said {
                room: message.room,
                offset: message.offset,
                sender: message.sender.to_owned(),
                payload: message.payload.into(),
            }),
            ServerFrame::Gap(gap) => Self::Gap(gap),
            ServerFrame::Published { sequence, position } => Self::Published(sequence, position),
            ServerFrame::Refused(refused) => Self::Refused(refused),
            ServerFrame::Signal { sender, payload, .. } => Self::Signal(sender.to_owned(), payload.into()),
            ServerFrame::Joined { member, .. } => Self::Joined(member.to_owned()),
            ServerFrame::Left { member, .. } => Self::Left(member.to_owned()),
            ServerFrame::Present { more, members, .. } => Self::Present(
                members.into_iter().map(str::to_owned).collect(),
                if more { More::Yes } else { More::No },
            ),
            ServerFrame::GoAway { .. } => Self::GoAway,
            ServerFrame::Ping(_) => Self::Ping,
            ServerFrame::Pong(_) => Self::Pong,
            ServerFrame::Close(close) => Self::Close(close.code),
            ServerFrame::Authenticated { expires_in } => Self::Authenticated(expires_in),
            _ => Self::Other,
        }
    }
}
