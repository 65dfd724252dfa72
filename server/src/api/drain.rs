//! `/api/drain`: has the server end, and says how far that is.

use http::{Method, StatusCode};
use serde::Serialize;
use tokio::time::Instant;
use warp::reply::Response;

use super::{Request, failure::Failure, json::respond};
use crate::{drain::Phase, tidewire::Tidewire};

#[derive(Serialize)]
struct State {
    phase: &'static str,
    /// How much of the time over which connections are closed is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_ms: Option<u64>,
    /// How many connections there still are.
    connections: usize,
}

/// `POST` begins a drain, and `GET` only says where it is.
pub(super) fn answer(tidewire: &Tidewire, request: &Request<'_>) -> Result<Response, Failure> {
    let status = match *request.method {
        Method::POST => {
            tidewire.begin_drain(tidewire.settings().drain);
            StatusCode::ACCEPTED
        }
        Method::GET => StatusCode::OK,
        _ => return Err(Failure::Method("GET, POST")),
    };
    let (phase, left) = match tidewire.phase() {
        Phase::Serving => ("serving", None),
        Phase::Draining { until, .. } => ("draining", Some(until.duration_since(Instant::now()))),
        Phase::Stopped => ("stopped", None),
    };
    let state = State {
        phase,
        left_ms: left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        connections: tidewire.connections().borrow().open,
    };
    Ok(respond(status, &state))
}
