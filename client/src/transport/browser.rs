//! Transports in a page or a worker: a WebSocket, or one poll.

use core::future::{Ready, ready};
use std::sync::Weak;

use tidewire_protocol::client::{Attempt, TransportKind};
use web_sys::WebSocket;

use super::{fetch::Poll, websocket::follow};
use crate::{
    driver::Shared,
    error::ConnectError,
    options::ClientOptions,
    sink::Sink,
    socket::{Link, connect_error, send_binary},
};

/// Where a server is. The browser checks it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
}

/// A WebSocket or a poll. Once it is dropped, it tells nothing more.
#[derive(Debug)]
pub(crate) enum Transport {
    Stream(Link),
    Polls(Poll),
}

/// The browser sends what was to be sent, and does not say when.
pub(crate) type Farewell = Ready<()>;

impl Endpoint {
    pub(crate) fn new(url: &str, _: &ClientOptions) -> Result<Self, ConnectError> {
        Ok(Self { url: url.into() })
    }
}

impl Transport {
    pub(crate) fn open(
        endpoint: &Endpoint,
        kind: TransportKind,
        attempt: Attempt,
        shared: Weak<Shared<impl Sink>>,
    ) -> Result<Self, ConnectError> {
        match kind {
            TransportKind::Stream => {
                let socket = WebSocket::new(&endpoint.url).map_err(|exception| connect_error(&exception, &[]))?;
                Ok(Self::Stream(follow(socket, attempt, shared)))
            }
            TransportKind::Polls => Poll::open(&endpoint.url, attempt, shared).map(Self::Polls),
        }
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        match self {
            // A socket that takes nothing any more is about to say so.
            Self::Stream(link) => drop(send_binary(link.socket(), &batch)),
            Self::Polls(poll) => poll.send(&batch),
        }
    }

    /// Sends the last batch there is, which is to leave even when the page does.
    pub(crate) fn send_farewell(&self, batch: Vec<u8>) {
        match self {
            Self::Stream(_) => self.send(batch),
            Self::Polls(poll) => poll.send_farewell(&batch),
        }
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        match self {
            Self::Stream(link) => link.socket().buffered_amount() as usize,
            Self::Polls(poll) => poll.unsent_bytes(),
        }
    }

    pub(crate) fn leave(self) -> Farewell {
        ready(())
    }
}
