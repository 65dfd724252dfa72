//! This project's server, built for release.

use std::path::Path;

use super::Peer;

pub(super) fn peer(program: &Path) -> Peer {
    let mut peer = Peer::new("tidewire", program);
    peer.serve = ["--listen", "127.0.0.1:0"].map(str::to_owned).into();
    // Its start and its end are no news here.
    peer.environment = vec![("TIDEWIRE_LOG", "warn")];
    peer
}
