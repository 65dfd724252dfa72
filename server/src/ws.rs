//! `/ws`: the room protocol over a WebSocket, each binary message a batch.

use std::{sync::Arc, task::Context, time::Duration};

use bytes::Bytes;
use tidewire_protocol::{CloseCode, server::Input};
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::{
    batches::Batches,
    connection::Endpoint,
    driver::Driver,
    hub::Hub,
    limits::Throttle,
    metrics::{Path, Tally},
    outbox::Outbox,
    peer::Peer,
    websocket::Incoming,
};

/// One connection of the room protocol.
pub(crate) struct Ws(Driver);

impl Ws {
    pub(crate) fn new(hub: &Arc<Hub>, peer: Peer) -> Self {
        Self(Driver::new(hub, peer))
    }
}

impl Endpoint for Ws {
    const PATH: Path = Path::Ws;

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) -> Result<(), CloseCode> {
        match message.kind {
            Data::Binary => self.0.tell(Input::Received(&message.payload), outbox),
            _ => Err(CloseCode::UNSUPPORTED_DATA),
        }
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.0.poll_batches(cx, outbox)
    }

    fn throttle(&mut self) -> &mut Throttle {
        self.0.throttle()
    }

    fn frames_in(&mut self, _messages: u32) -> u32 {
        self.0.take_frames()
    }

    fn takes_input(&mut self) -> bool {
        self.0.takes_input()
    }

    fn deadline(&self) -> Option<tokio::time::Instant> {
        self.0.deadline()
    }

    fn on_deadline(&mut self, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.0.on_deadline(outbox)
    }

    fn on_drain(&mut self, left: Duration, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.0.on_drain(left, outbox)
    }

    fn finish(&mut self, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.0.finish(outbox)
    }
}

impl Batches for Outbox {
    fn is_full(&self) -> bool {
        Self::is_full(self)
    }

    fn room(&self) -> usize {
        Self::room(self)
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn push_batch(&mut self, batch: &[u8]) {
        self.push_copied(Data::Binary, &[batch]);
    }

    fn push_pieces(&mut self, length: usize, pieces: impl IntoIterator<Item = Bytes>) {
        self.push_shared(Data::Binary, length, pieces);
    }
}
