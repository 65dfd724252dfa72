//! What is answered over HTTP, as JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;
use tidewire_protocol::{MemberId, OwnedPayload, Position, frame::GapCause};
use warp::reply::Response;

use crate::engine::{self, LoggedMessage};

#[derive(Serialize)]
pub(super) struct Place {
    /// 16 hexadecimal digits: JSON's numbers are not exact enough.
    epoch: String,
    offset: u64,
}

#[derive(Serialize)]
pub(super) struct Page<'a> {
    messages: Vec<Message<'a>>,
    position: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Gap>,
}

#[derive(Serialize)]
struct Message<'a> {
    offset: u64,
    sender: Option<&'a str>,
    #[serde(flatten)]
    payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Payload<'a> {
    Text(&'a str),
    Base64(String),
}

#[derive(Serialize)]
struct Gap {
    cause: &'static str,
    from: u64,
    resume: Place,
}

#[derive(Serialize)]
pub(super) struct Problem {
    pub(super) error: Error,
}

#[derive(Serialize)]
pub(super) struct Error {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    /// The protocol's code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<u16>,
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self {
            epoch: format!("{:016x}", position.epoch.0),
            offset: position.offset.0,
        }
    }
}

impl<'a> From<Option<&'a engine::Page>> for Page<'a> {
    fn from(page: Option<&'a engine::Page>) -> Self {
        Self {
            messages: page
                .map(|page| page.messages.iter().map(Message::from).collect())
                .unwrap_or_default(),
            position: page.map(|page| page.position.into()),
            gap: page.and_then(|page| page.missing).map(Gap::from),
        }
    }
}

impl<'a> From<&'a LoggedMessage> for Message<'a> {
    fn from(message: &'a LoggedMessage) -> Self {
        Self {
            offset: message.offset.0,
            sender: message.sender.as_ref().map(MemberId::as_str),
            payload: match &message.payload {
                OwnedPayload::Text(text) => Payload::Text(text),
                OwnedPayload::Binary(bytes) => Payload::Base64(STANDARD.encode(bytes)),
            },
        }
    }
}

impl From<engine::Missing> for Gap {
    fn from(missing: engine::Missing) -> Self {
        Self {
            cause: match missing.cause {
                GapCause::Evicted => "evicted",
                GapCause::LogLost => "log_lost",
            },
            from: missing.from.0,
            resume: missing.resume.into(),
        }
    }
}

pub(super) fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    // Neither maps nor anything else that serialization can fail on is in there.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
