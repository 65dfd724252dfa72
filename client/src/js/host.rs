//! What a client asks of JavaScript, in `host.js`. The program's own code runs in [`turned`] alone.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    /// Has the client [ring](super::session::turn) after so many milliseconds, and not when it was to ring before. Never, where
    /// they are negative.
    pub(crate) fn wait(client: u32, milliseconds: i32);

    /// Has the client ring once what runs now has finished.
    pub(crate) fn soon(client: u32);

    /// Opens a WebSocket or a poll: `heard` is called with what comes of it. Says whether the browser tries.
    pub(crate) fn opens(client: u32, attempt: f64, is_poll: bool) -> bool;

    /// Sends a batch. A farewell is to leave even when the page does.
    pub(crate) fn send(client: u32, attempt: f64, batch: &[u8], is_farewell: bool);

    /// How many bytes of what was sent have not left.
    pub(crate) fn unsent(client: u32, attempt: f64) -> u32;

    /// Nothing is wanted any more of what was opened. What was sent is sent.
    pub(crate) fn shut(client: u32, attempt: f64);

    /// Asks the program for a token, for [`token`](super::session::token).
    pub(crate) fn asks(client: u32);

    /// Who the client is to others.
    pub(crate) fn welcomed(client: u32, member: &[u8]);

    /// What became of a publish: 0 where it was accepted, and its position; or 1 and the code with which it was refused, 2
    /// unconfirmed, 3 expired, 4 closed. The outcome of a round trip is that of publish 0, with its time in milliseconds.
    pub(crate) fn settled(client: u32, publish: f64, kind: u32, first: f64, second: f64, third: f64);

    /// A turn of the driver has ended, and has brought another state, or events. A state is a number, and eight times one that
    /// goes with it; -1 where it is the same.
    pub(crate) fn turned(client: u32, state: f64, events: bool);

    /// Events, as [`Batch`](super::batch::Batch) packs them.
    pub(crate) fn unpack(client: u32, numbers: &[f64], names: &[u8], texts: &[u8], bytes: &[u8]);

    /// What the client of the page that follows needs. Says whether it could be kept.
    pub(crate) fn keep(client: u32, saved: &[u8]) -> bool;
}
