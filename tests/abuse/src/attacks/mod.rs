//! All attacks, a file for each kind.

mod api;
mod bodies;
mod closing;
mod fragments;
mod frames;
mod handshake;
mod heads;
mod limits;
mod load;
mod pace;
mod rooms;
mod stalled;
mod storms;

use crate::attack::Attack;

/// Those that any WebSocket server must withstand.
pub(crate) fn of_rfc6455() -> impl Iterator<Item = &'static Attack> {
    [
        handshake::ATTACKS,
        frames::ATTACKS,
        fragments::ATTACKS,
        closing::ATTACKS,
        pace::ATTACKS,
    ]
    .into_iter()
    .flatten()
}

/// Those that know HTTP beside it, and what `tidewire` has at its paths.
pub(crate) fn of_tidewire() -> impl Iterator<Item = &'static Attack> {
    [
        heads::ATTACKS,
        bodies::ATTACKS,
        api::ATTACKS,
        rooms::ATTACKS,
        storms::ATTACKS,
        stalled::ATTACKS,
        load::ATTACKS,
    ]
    .into_iter()
    .flatten()
}

/// Those of addresses that do more than one may, against a server that lets them do little.
pub(crate) fn of_limits() -> impl Iterator<Item = &'static Attack> {
    limits::ATTACKS.iter()
}
