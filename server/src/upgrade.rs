//! The opening handshake, [RFC 6455 section 4.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2), and what follows it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ALLOW, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
    },
    uri::Authority,
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use warp::reply::Response;

use crate::{
    access::Denied,
    limits::NotNow,
    origins::{ForeignOrigin, Origins},
    peer::Peer,
};

/// A request that asks for a WebSocket and has all it needs.
pub(crate) struct Upgrade {
    on_upgrade: OnUpgrade,
    accept: String,
    protocol: Option<HeaderValue>,
}

/// Why a request gets no WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a GET.
    Method,
    /// An ordinary GET.
    NotAnUpgrade,
    /// A version of WebSocket other than 13.
    Version,
    /// No key, more than one, or one that is not the base64 form of 16 bytes.
    Key,
    /// No Host, more than one, or one that is none, as HTTP/1.1 demands.
    Host,
    /// From a page that may not use the server.
    Origin,
    /// The connection cannot be upgraded, as with HTTP/1.0, or where a body comes first: that must not be taken for frames.
    Connection,
    /// The server ends. It may be back in so many seconds.
    GoingAway(u64),
    /// It is to come back later.
    NotNow(NotNow),
    /// Who asks may not connect.
    Unauthorized,
    /// Nobody can say now whether it may.
    Undecided,
}

impl Upgrade {
    /// Checks a request, its cheapest rule first.
    pub(crate) fn new(
        method: &Method,
        peer: &Peer,
        on_upgrade: Option<OnUpgrade>,
        origins: &Origins,
    ) -> Result<Self, Refusal> {
        let headers = &peer.headers;
        if method != Method::GET {
            return Err(Refusal::Method);
        }
        if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
            return Err(Refusal::NotAnUpgrade);
        }
        if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Refusal::Version);
        }
        if only(headers, &HOST).is_none_or(|host| Authority::try_from(host.as_bytes()).is_err()) {
            return Err(Refusal::Host);
        }
        origins.check(peer).map_err(|ForeignOrigin| Refusal::Origin)?;
        Ok(Self {
            accept: derive_accept_key(key(headers).ok_or(Refusal::Key)?),
            on_upgrade: on_upgrade.filter(|_| !has_body(headers)).ok_or(Refusal::Connection)?,
            protocol: first_protocol(headers),
        })
    }

    /// The response that completes the handshake, and the connection that is there once it was sent.
    ///
    /// A subprotocol that the client offers first is agreed to: these endpoints give messages no meaning of their own,
    /// and a browser gives up when none of its offers is taken.
    pub(crate) fn accept(self) -> (Response, OnUpgrade) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        (response, self.on_upgrade)
    }
}

impl Refusal {
    /// All there are.
    pub(crate) const ALL: [Self; 13] = [
        Self::Method,
        Self::NotAnUpgrade,
        Self::Version,
        Self::Key,
        Self::Host,
        Self::Origin,
        Self::Connection,
        Self::GoingAway(0),
        Self::NotNow(NotNow::Full),
        Self::NotNow(NotNow::AddressFull),
        Self::NotNow(NotNow::TooFast(Duration::ZERO)),
        Self::Unauthorized,
        Self::Undecided,
    ];

    /// In a word, for the metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::NotAnUpgrade => "not_an_upgrade",
            Self::Version => "version",
            Self::Key => "key",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Connection => "connection",
            Self::GoingAway(_) => "going_away",
            Self::NotNow(why) => why.reason(),
            Self::Unauthorized => "unauthorized",
            Self::Undecided => "undecided",
        }
    }

    /// The one place where a refusal becomes an HTTP answer.
    pub(crate) fn into_response(self) -> Response {
        let (status, header, text) = match self {
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                Some((ALLOW, "GET")),
                "a WebSocket is opened with GET",
            ),
            Self::NotAnUpgrade => (
                StatusCode::UPGRADE_REQUIRED,
                Some((UPGRADE, "websocket")),
                "this is a WebSocket endpoint: connect with ws:// or wss://",
            ),
            Self::Version => (
                StatusCode::UPGRADE_REQUIRED,
                Some((SEC_WEBSOCKET_VERSION, "13")),
                "this endpoint speaks version 13 of WebSocket (RFC 6455)",
            ),
            Self::Key => (
                StatusCode::BAD_REQUEST,
                None,
                "Sec-WebSocket-Key must be there once: 16 bytes in base64",
            ),
            Self::Origin => (StatusCode::FORBIDDEN, None, FOREIGN_ORIGIN),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                Some((WWW_AUTHENTICATE, "Bearer")),
                "who may use this endpoint must show who they are",
            ),
            Self::Undecided => (
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                "nobody can say now who may use this endpoint",
            ),
            Self::Host => (StatusCode::BAD_REQUEST, None, "one Host header is needed"),
            Self::Connection => (StatusCode::BAD_REQUEST, None, "a WebSocket needs HTTP/1.1, and no body"),
            Self::GoingAway(_) => (StatusCode::SERVICE_UNAVAILABLE, None, GOING_AWAY),
            Self::NotNow(why) => (why.status(), None, why.text()),
        };
        let mut response = Response::new(format!("{text}\n").into());
        *response.status_mut() = status;
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let retry_after = match self {
            Self::GoingAway(seconds) => Some(HeaderValue::from(seconds)),
            Self::NotNow(why) => Some(why.retry_after()),
            _ => None,
        };
        if let Some(retry_after) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, retry_after);
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110 section 7.8: who sends Upgrade names it in Connection.
            response
                .headers_mut()
                .insert(UPGRADE, HeaderValue::from_static("websocket"));
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}

/// What who is turned away at the end of a server is told.
pub(crate) const GOING_AWAY: &str = "the server is going away";

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthorized | Denied::Expired => Self::Unauthorized,
            Denied::Unavailable => Self::Undecided,
        }
    }
}

/// What a page that may not use the server is told.
pub(crate) const FOREIGN_ORIGIN: &str = "pages of this origin may not use the server";

/// Whether a comma-separated header, perhaps given several times, has this token in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
}

/// The value of a header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}

fn key(headers: &HeaderMap) -> Option<&[u8]> {
    let key = only(headers, &SEC_WEBSOCKET_KEY)?.as_bytes();
    STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16).then_some(key)
}

fn first_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let first = tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
        .next()
        .filter(|it| !it.is_empty())?;
    HeaderValue::from_str(first).ok()
}
