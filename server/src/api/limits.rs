//! `limits`: all limits of the server.

use http::{Method, StatusCode};
use serde::Serialize;
use warp::reply::Response;

use super::{failure::Failure, json::respond};
use crate::{
    limits::{self, Bound},
    settings::Settings,
};

#[derive(Serialize)]
struct Limits {
    limits: Vec<Limit>,
}

#[derive(Serialize)]
struct Limit {
    name: &'static str,
    scope: &'static str,
    what: &'static str,
    unit: &'static str,
    /// How much there may be, or come a second; `null` is no limit.
    value: Option<u64>,
    /// How much may come at once, of what is limited to so much a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    at_bound: &'static str,
}

/// Answers a request for all limits.
pub(super) fn limits(settings: &Settings, method: &Method) -> Result<Response, Failure> {
    if method != Method::GET {
        return Err(Failure::Method("GET"));
    }
    let limits = limits::limits(settings).into_iter().map(Limit::from).collect();
    Ok(respond(StatusCode::OK, &Limits { limits }))
}

impl From<limits::Limit> for Limit {
    fn from(limit: limits::Limit) -> Self {
        let (value, burst) = match limit.value {
            Bound::Most(most) => (Some(most), None),
            Bound::Rate(rate) => (Some(rate.per_second.get().into()), Some(rate.burst.get())),
            Bound::None => (None, None),
        };
        Self {
            name: limit.name,
            scope: limit.scope.as_str(),
            what: limit.what,
            unit: limit.unit,
            value,
            burst,
            at_bound: limit.at_bound,
        }
    }
}
