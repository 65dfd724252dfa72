//! `subjects/{subject}/sessions` and `grants`: revoking.

use std::sync::Arc;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tidewire_protocol::MemberId;
use warp::reply::Response;

use super::{Request, failure::Failure, json::respond};
use crate::{access::Pattern, hub::Hub};

/// How many sessions it mattered to.
#[derive(Serialize)]
struct Revoked {
    sessions: usize,
}

/// Ends the sessions of a subject, whose name is percent-encoded.
pub(super) fn sessions(hub: &Arc<Hub>, request: &Request<'_>, subject: &str) -> Result<Response, Failure> {
    if *request.method != Method::DELETE {
        return Err(Failure::Method("DELETE"));
    }
    let subject = percent_decode_str(subject)
        .decode_utf8()
        .map_err(|_| Failure::Subject)?;
    let sessions = hub.revoke(&member(&subject)?)?;
    Ok(respond(StatusCode::OK, &Revoked { sessions }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    room: String,
    subject: Option<String>,
}

/// Withdraws what is granted in the rooms that fit a pattern.
pub(super) fn grants(hub: &Hub, request: &Request<'_>) -> Result<Response, Failure> {
    if *request.method != Method::DELETE {
        return Err(Failure::Method("DELETE"));
    }
    let query: Query = serde_urlencoded::from_str(request.query).map_err(|_| Failure::Pattern)?;
    let rooms: Pattern = query.room.parse().map_err(|_| Failure::Pattern)?;
    let subject = query.subject.as_deref().map(member).transpose()?;
    let sessions = hub.withdraw(&rooms, subject.as_ref())?;
    Ok(respond(StatusCode::OK, &Revoked { sessions }))
}

fn member(name: &str) -> Result<MemberId, Failure> {
    MemberId::new(name).map_err(|_| Failure::Subject)
}
