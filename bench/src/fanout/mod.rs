//! One sender's messages to many receivers: what `broadcast` and `steady` have in common.

mod load;
mod pace;
mod window;

use anyhow::Result;

use self::load::Load;
pub(crate) use self::pace::Pace;
use crate::{
    cli::Bench,
    line::{self, Line, Purpose},
    measure::Measured,
    peers::Peer,
};

/// What is sent, and how fast.
pub(crate) struct Plan {
    pub(crate) receivers: u32,
    /// How many messages are sent before those that are measured.
    pub(crate) warm_up: u32,
    /// As often as is needed for a run that is long enough.
    pub(crate) messages: u32,
    pub(crate) bytes: u32,
    pub(crate) pace: Pace,
}

/// What [`Measured::cells`] are.
pub(crate) const COLUMNS: [&str; 8] = [
    "us CPU/delivery",
    "deliveries/s",
    "p50 ms",
    "p99 ms",
    "server busy",
    "generator busy",
    "messages/read",
    "s",
];

/// Measures one peer.
pub(crate) fn measure(bench: &Bench, peer: &Peer, plan: &Plan) -> Result<Measured> {
    let deadline = bench.deadline();
    let receivers = plan.receivers as usize;
    let server = bench.start(peer, receivers + 1)?;
    let sender = Line::open(server.address, peer.dialect, Purpose::Send, receivers)?;
    let lines = line::open_all(server.address, peer.dialect, Purpose::Receive, receivers, &deadline)?;
    let mut load = Load::new(sender, lines, plan.bytes as usize, plan.pace)?;
    Measured::take(
        &server,
        &mut load,
        plan.warm_up,
        plan.messages,
        plan.receivers,
        &deadline,
    )
}

/// What the columns need to be understood.
pub(crate) const NOTES: [&str; 2] = [
    "us CPU/delivery: the server's CPU time, user and kernel, over messages times receivers; the ratio is of it. Latency: \
     from before a message's send to after each receiver's read of it.",
    "Every receiver got every message once and in order. Busy: CPU time over elapsed time, of a core.",
];
