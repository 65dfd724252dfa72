//! Transports of the npm package: the browser's WebSocket, or a poll, both of them in `link.js`. A request in JavaScript is a
//! tenth of what it is in Rust.

use core::future::{Ready, ready};
use std::sync::Weak;

use tidewire_protocol::client::{Attempt, TransportKind};

use crate::{driver::Shared, error::ConnectError, js::host, sink::Sink};

/// Whose transports they are: JavaScript knows where the server is.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) client: u32,
}

/// A WebSocket or a poll. Once it is dropped, it tells nothing more.
#[derive(Debug)]
pub(crate) struct Transport {
    client: u32,
    attempt: f64,
}

/// The browser sends what was to be sent, and does not say when.
pub(crate) type Farewell = Ready<()>;

impl Transport {
    pub(crate) fn open(
        endpoint: &Endpoint,
        kind: TransportKind,
        attempt: Attempt,
        _: Weak<Shared<impl Sink>>,
    ) -> Result<Self, ConnectError> {
        let (client, attempt) = (endpoint.client, attempt.0 as f64);
        if !host::opens(client, attempt, kind == TransportKind::Polls) {
            // Whether the address is one, `core.js` can say.
            return Err(ConnectError::Refused);
        }
        Ok(Self { client, attempt })
    }

    pub(crate) fn send(&self, batch: Vec<u8>) {
        host::send(self.client, self.attempt, &batch, false);
    }

    /// Sends the last batch there is, which is to leave even when the page does.
    pub(crate) fn send_farewell(&self, batch: Vec<u8>) {
        host::send(self.client, self.attempt, &batch, true);
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        host::unsent(self.client, self.attempt) as usize
    }

    pub(crate) fn leave(self) -> Farewell {
        ready(())
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        host::shut(self.client, self.attempt);
    }
}
