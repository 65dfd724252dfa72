//! Each way in which a request over HTTP can fail.

use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};
use tidewire_protocol::frame::RefusalCode;
use warp::reply::Response;

use super::json::{Error, Problem, respond};
use crate::{access::TooManyRevoked, body::BodyError, limits::NotNow, upgrade::FOREIGN_ORIGIN};

/// Why a request was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// From a page that may not use the server.
    Origin,
    /// It is to come back later.
    NotNow(NotNow),
    /// Without a key, or with a wrong one.
    Unauthorized,
    /// Nothing is there.
    Path,
    /// Another method than these.
    Method(&'static str),
    /// No name for a room.
    Room,
    /// No name for a subject.
    Subject,
    /// No pattern of room names.
    Pattern,
    /// As much was revoked as can be remembered.
    TooManyRevoked,
    /// No good idempotency key, or several.
    Key,
    /// What is asked for is not understood.
    Query,
    /// A body that is said to be text and is not.
    NotUtf8,
    /// A body that is larger than a payload may be.
    TooBig,
    /// A body that ended before its end.
    Incomplete,
    /// A body that did not come in time.
    Late,
    /// The publish was refused.
    Refused(RefusalCode),
    /// The engine cannot be reached.
    Unavailable,
    /// The server ends, and publishes nothing more. It may be back in so many seconds.
    Ending(u64),
    /// The engine did not say whether it has accepted the publish.
    Unknown,
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooBig => Self::TooBig,
            BodyError::Incomplete => Self::Incomplete,
            BodyError::Late => Self::Late,
            BodyError::NoMemory => Self::NotNow(NotNow::Full),
        }
    }
}

impl From<TooManyRevoked> for Failure {
    fn from(_: TooManyRevoked) -> Self {
        Self::TooManyRevoked
    }
}

impl Failure {
    /// The one place where a failure becomes an HTTP answer.
    pub(crate) fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Origin => (StatusCode::FORBIDDEN, "foreign_origin", FOREIGN_ORIGIN),
            Self::NotNow(NotNow::Full) => (NotNow::Full.status(), "overloaded", NotNow::Full.text()),
            Self::NotNow(why) => (why.status(), "rate_limited", why.text()),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a key is needed: Authorization: Bearer KEY",
            ),
            Self::Path => (StatusCode::NOT_FOUND, "not_found", "nothing is at this path"),
            Self::Method(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "another method is to be used: see Allow",
            ),
            Self::Room => (
                StatusCode::BAD_REQUEST,
                "invalid_room",
                "a room's name has 1 to 128 bytes of UTF-8 and no control characters",
            ),
            Self::Subject => (
                StatusCode::BAD_REQUEST,
                "invalid_subject",
                "a subject has 1 to 64 bytes of UTF-8 and no control characters",
            ),
            Self::Pattern => (
                StatusCode::BAD_REQUEST,
                "invalid_query",
                "use room=PATTERN, of 1 to 256 bytes, and perhaps subject=NAME",
            ),
            Self::TooManyRevoked => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_revoked",
                "as much was revoked as can be remembered; nothing was done",
            ),
            Self::Key => (
                StatusCode::BAD_REQUEST,
                "invalid_idempotency_key",
                "an Idempotency-Key is there once and has 1 to 255 visible ASCII characters",
            ),
            Self::Query => (
                StatusCode::BAD_REQUEST,
                "invalid_query",
                "use last=N or after=EPOCH:OFFSET, and limit=N, with N up to 1000",
            ),
            Self::NotUtf8 => (StatusCode::BAD_REQUEST, "not_utf8", "text must be UTF-8"),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "incomplete", "the body ended before its end"),
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time"),
            Self::TooBig | Self::Refused(RefusalCode::PAYLOAD_TOO_BIG) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_big",
                "the payload is larger than the server takes",
            ),
            Self::Refused(RefusalCode::RATE_LIMITED) => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "more was sent than is taken in so short a time",
            ),
            Self::Refused(RefusalCode::TOO_MANY_ROOMS) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_rooms",
                "the server has as many rooms as it may have",
            ),
            Self::Unavailable | Self::Refused(RefusalCode::UNAVAILABLE) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the engine that keeps the messages cannot be reached",
            ),
            Self::Ending(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "draining",
                "the server ends, and publishes nothing more",
            ),
            Self::Refused(code) if code.may_pass() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "refused",
                "the server refused it; it may be accepted later",
            ),
            Self::Refused(_) => (StatusCode::FORBIDDEN, "refused", "the server refused it"),
            Self::Unknown => (
                StatusCode::GATEWAY_TIMEOUT,
                "unknown",
                "nobody can say whether the message was accepted; with an Idempotency-Key it can be sent again",
            ),
        };
        let refusal = match self {
            Self::Refused(code) => Some(code.0),
            _ => None,
        };
        let mut response = respond(
            status,
            &Problem {
                error: Error { code, message, refusal },
            },
        );
        if let Self::Ending(seconds) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let header = match self {
            Self::Method(allowed) => Some((ALLOW, allowed)),
            Self::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(retry_after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, retry_after);
        }
        response
    }

    /// In a word, for the metrics, where the request was turned away whatever it asks for.
    pub(super) const fn turns_away(self) -> Option<&'static str> {
        match self {
            Self::Origin => Some("origin"),
            Self::NotNow(why) => Some(why.reason()),
            Self::Unauthorized => Some("unauthorized"),
            Self::Ending(_) => Some("going_away"),
            _ => None,
        }
    }

    /// After how many seconds it may be granted, where it may be at all.
    fn retry_after(self) -> Option<HeaderValue> {
        match self {
            Self::NotNow(why) => Some(why.retry_after()),
            Self::Unavailable => Some(HeaderValue::from_static("1")),
            Self::Refused(code) if code.may_pass() => Some(HeaderValue::from_static("1")),
            _ => None,
        }
    }
}
