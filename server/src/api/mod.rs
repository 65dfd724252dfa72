//! What other programs ask over HTTP, with JSON answers: who answers which path.

mod drain;
mod failure;
mod json;
mod keys;
mod limits;
mod rooms;
mod subjects;

use std::net::IpAddr;

use bytes::Buf;
use futures_util::Stream;
use http::Method;
use warp::reply::Response;

use self::failure::Failure;
pub use self::keys::{ApiKeys, InvalidApiKey};
use crate::{hub::Hub, metrics::Kind, origins::ForeignOrigin, peer::Peer, tidewire::Tidewire};

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) peer: &'a Peer,
    /// What follows `/api/`, percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer<B: Buf>(
    tidewire: &Tidewire,
    request: Request<'_>,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    if let Err(ForeignOrigin) = tidewire.settings().origins.check(request.peer) {
        return refuse(tidewire.hub(), Failure::Origin);
    }
    let hub = tidewire.hub();
    let address = match let_in(hub, request.peer) {
        Ok(address) => hub.gate.address(address),
        Err(failure) => return refuse(hub, failure),
    };
    let path: Vec<&str> = request.path.split('/').collect();
    let answered = match path[..] {
        ["drain"] => drain::answer(tidewire, &request),
        ["rooms", room, "messages"] => rooms::messages(hub, &request, (room, address), body).await,
        ["subjects", subject, "sessions"] => subjects::sessions(hub, &request, subject),
        ["grants"] => subjects::grants(hub, &request),
        ["limits"] => limits::limits(tidewire.settings(), request.method),
        _ => Err(Failure::Path),
    };
    answered.unwrap_or_else(|failure| refuse(hub, failure))
}

fn refuse(hub: &Hub, failure: Failure) -> Response {
    if let Some(reason) = failure.turns_away() {
        hub.metrics.on_request_refused(Kind::Api, reason);
    }
    failure.into_response()
}

/// Has a request answered that is for other programs and at another path, if it may be.
pub(crate) fn answer_program(hub: &Hub, peer: &Peer, answer: impl FnOnce(&Hub) -> Response) -> Response {
    match let_in(hub, peer) {
        Ok(_) => answer(hub),
        Err(failure) => refuse(hub, failure),
    }
}

/// Lets a program in that asks for something over HTTP, if it shows a key where one is needed. Returns the address to whose
/// limits it is held: none where it has shown a key.
fn let_in(hub: &Hub, peer: &Peer) -> Result<Option<IpAddr>, Failure> {
    let is_needed = hub.api_keys.are_needed();
    if is_needed && hub.api_keys.allow(&peer.headers) {
        return Ok(None);
    }
    hub.gate.ask(peer.address).map_err(Failure::NotNow)?;
    match is_needed {
        true => Err(Failure::Unauthorized),
        false => Ok(peer.address),
    }
}
