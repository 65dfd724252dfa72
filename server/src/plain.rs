//! `/echo` and `/chat`: endpoints for any WebSocket client, without a protocol of their own.

use std::{borrow::Cow, sync::Arc, task::Context};

use bytes::Bytes;
use tidewire_protocol::CloseCode;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::{
    connection::Endpoint,
    outbox::{Outbox, encode},
    room::{FellBehind, Member, Room},
    websocket::Incoming,
};

const WELCOME: &str = "Welcome to the WebSocket server!";
const RECEIVED: &str = "Server received: ";
const BROADCAST: &str = "Broadcast: ";

/// Sends every message straight back, unchanged.
pub(crate) struct Echo;

impl Endpoint for Echo {
    const PATH: &'static str = "/echo";

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) {
        outbox.push_message(message.kind, message.payload);
    }
}

/// Welcomes, answers the sender and tells the others.
pub(crate) struct Chat {
    member: Member,
}

impl Chat {
    pub(crate) fn join(room: &Arc<Room>) -> Self {
        Self { member: room.join() }
    }
}

impl Endpoint for Chat {
    const PATH: &'static str = "/chat";

    fn on_open(&mut self, outbox: &mut Outbox) {
        outbox.push_message(Data::Text, Bytes::from_static(WELCOME.as_bytes()));
    }

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) {
        // What is said is quoted inside a text message, so bytes that are not UTF-8 are replaced.
        let said = match message.kind {
            Data::Text => Cow::Borrowed(&message.payload[..]),
            _ => lossy(&message.payload),
        };
        outbox.push_chunk(encode(Data::Text, &[RECEIVED.as_bytes(), &said]));
        self.member.publish(encode(Data::Text, &[BROADCAST.as_bytes(), &said]));
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.member
            .poll_frames(cx, outbox)
            .map_err(|FellBehind| CloseCode::FELL_BEHIND)
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
