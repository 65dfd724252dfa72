//! A broadcast server on Node with the npm package `ws`: `peers/ws.mjs`.

use super::Peer;

pub(super) fn peer() -> Peer {
    let mut peer = Peer::new("ws", "node");
    peer.script = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/peers/ws.mjs").to_owned()];
    peer
}
