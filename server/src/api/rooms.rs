//! `rooms/{room}/messages`: publishing and reading.

use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tidewire_protocol::{
    Epoch, Offset, OwnedPayload, Position, RoomName, Term,
    frame::{Payload, Start},
};
use tokio::time::timeout;
use tracing::{Instrument, debug};
use warp::reply::Response;

use super::{
    Request,
    failure::Failure,
    json::{self, respond},
};
use crate::{
    body::{BodyLimit, collect},
    engine::{Origin, Unavailable},
    handle::NotPublished,
    hub::{Hub, Message},
    limits::Address,
    trace::publish_span,
};

/// Answers a request for the messages of a room, whose name is percent-encoded. A room that is made for it counts for an address,
/// if there is one.
pub(super) async fn messages<B: Buf>(
    hub: &Arc<Hub>,
    request: &Request<'_>,
    (room, address): (&str, Option<Arc<Address>>),
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    match *request.method {
        Method::POST => {
            let span = publish_span(&request.peer.headers);
            publish(hub, &request.peer.headers, (room, address), body)
                .instrument(span)
                .await
        }
        Method::GET => read(hub, room, request.query).await,
        _ => Err(Failure::Method("GET, POST")),
    }
}

async fn publish<B: Buf>(
    hub: &Arc<Hub>,
    headers: &HeaderMap,
    (encoded, address): (&str, Option<Arc<Address>>),
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    let room = room(encoded)?;
    let origin = origin(headers)?;
    let limit = BodyLimit {
        bytes: hub.settings.max_payload_bytes as usize,
        time: hub.settings.body_timeout,
        partials: hub.gate.partials(),
    };
    let body = collect(headers, body, limit).await?;
    let payload = match is_text(headers) {
        true => Payload::Text(std::str::from_utf8(&body).map_err(|_| Failure::NotUtf8)?),
        false => Payload::Binary(&body),
    };
    hub.start_sweeping();
    let message = Message {
        room: &room,
        origin,
        sender: None,
        payload: &OwnedPayload::from(payload),
        term: Term::default(),
        address: address.as_ref(),
    };
    match hub.publish_for_others(None, message).await.map_err(NotPublished::from) {
        Ok(position) => {
            debug!(offset = position.offset.0, "published");
            Ok(respond(StatusCode::CREATED, &json::Place::from(position)))
        }
        Err(_) if hub.sessions.is_frozen() => Err(Failure::Ending(1)),
        Err(NotPublished::Refused(code)) => {
            debug!(code = code.0, "refused");
            Err(Failure::Refused(code))
        }
        Err(NotPublished::Unknown) => Err(Failure::Unknown),
    }
}

async fn read(hub: &Hub, encoded: &str, query: &str) -> Result<Response, Failure> {
    let room = room(encoded)?;
    let (start, limit) = range(query)?;
    let reading = hub.rooms.engine().read(&room, start, limit);
    let page = match timeout(hub.settings.engine_timeout, reading).await {
        Ok(Ok(page)) => page,
        Ok(Err(Unavailable)) | Err(_) => return Err(Failure::Unavailable),
    };
    Ok(respond(StatusCode::OK, &json::Page::from(page.as_ref())))
}

fn room(encoded: &str) -> Result<RoomName, Failure> {
    let name = percent_decode_str(encoded).decode_utf8().map_err(|_| Failure::Room)?;
    RoomName::new(&name).map_err(|_| Failure::Room)
}

fn origin(headers: &HeaderMap) -> Result<Origin, Failure> {
    let mut keys = headers.get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(Origin::None),
        (Some(key), None) if (1..=MAX_KEY_BYTES).contains(&key.len()) => {
            let key = key.to_str().map_err(|_| Failure::Key)?;
            Ok(Origin::Key(key.to_owned()))
        }
        _ => Err(Failure::Key),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || kind.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    after: Option<String>,
    last: Option<u32>,
    limit: Option<usize>,
}

/// What is asked for, and how much of it at most.
fn range(query: &str) -> Result<(Start, usize), Failure> {
    let Query { after, last, limit } = serde_urlencoded::from_str(query).map_err(|_| Failure::Query)?;
    let limit = match limit {
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => return Err(Failure::Query),
        None => DEFAULT_LIMIT,
    };
    match (after, last) {
        (Some(after), None) => Ok((Start::After(position(&after).ok_or(Failure::Query)?), limit)),
        (None, Some(last)) if last as usize <= MAX_LIMIT => Ok((Start::Last(last), MAX_LIMIT)),
        (None, None) => Ok((Start::Last(DEFAULT_LIMIT as u32), limit)),
        _ => Err(Failure::Query),
    }
}

/// `0123456789abcdef:42`
fn position(text: &str) -> Option<Position> {
    let (epoch, offset) = text.split_once(':')?;
    let is_hex = epoch.len() == 16 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_decimal = offset.bytes().all(|byte| byte.is_ascii_digit());
    (is_hex && is_decimal).then_some(Position {
        epoch: Epoch(u64::from_str_radix(epoch, 16).ok()?),
        offset: Offset(offset.parse().ok()?),
    })
}

/// How many messages are read where nothing else is asked for.
const DEFAULT_LIMIT: usize = 100;

/// The most messages that are read at once.
const MAX_LIMIT: usize = 1000;

/// The longest idempotency key.
const MAX_KEY_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_one_beginning_and_a_limit_within_bounds() {
        let after = Start::After(Position {
            epoch: Epoch(0x0123_4567_89ab_cdef),
            offset: Offset(42),
        });
        for (query, expected) in [
            ("", (Start::Last(100), 100)),
            ("last=0", (Start::Last(0), 1000)),
            ("last=1000", (Start::Last(1000), 1000)),
            ("after=0123456789abcdef:42", (after, 100)),
            ("after=0123456789abcdef%3A42&limit=1000", (after, 1000)),
        ] {
            assert_eq!(range(query).ok(), Some(expected), "{query}");
        }
        for query in [
            "last=1001",
            "last=-1",
            "limit=0",
            "limit=1001",
            "after=0123456789abcdef:42&last=1",
            "after=123456789abcdef:42",
            "after=0123456789abcdef:",
            "after=+123456789abcdef:42",
            "after=0123456789abcdef:+42",
            "after=42",
            "befor=1",
        ] {
            assert!(range(query).is_err(), "{query}");
        }
    }

    #[test]
    fn text_and_json_are_text_and_all_else_is_bytes() {
        for (kind, expected) in [
            ("text/plain", true),
            ("TEXT/html; charset=utf-8", true),
            ("application/json;charset=utf-8", true),
            ("application/octet-stream", false),
            ("texture", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().expect("a value"))]);
            assert_eq!(is_text(&headers), expected, "{kind}");
        }
        assert!(!is_text(&HeaderMap::new()));
    }
}
