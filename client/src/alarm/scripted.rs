//! The timer of the npm package, in JavaScript.

use std::sync::Weak;

use crate::{driver::Shared, js::host, sink::Sink, transport::Endpoint};

/// A timer of the browser's, which rings its client.
#[derive(Debug)]
pub(super) struct Timer {
    client: u32,
}

impl Timer {
    pub(super) fn new(endpoint: &Endpoint, _: Weak<Shared<impl Sink>>) -> Self {
        Self {
            client: endpoint.client,
        }
    }

    pub(super) fn start(&self, milliseconds: i32) {
        host::wait(self.client, milliseconds);
    }

    pub(super) fn stop(&self) {
        host::wait(self.client, -1);
    }

    pub(super) fn soon(&self) {
        host::soon(self.client);
    }
}
