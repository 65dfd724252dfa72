//! `POST /poll`: a request as a short connection of the room protocol, with one batch each way.

use std::{future::poll_fn, task::Poll, time::Instant};

use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::{
    HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY,
    },
};
use tidewire_protocol::CloseCode;
use tokio::time::timeout_at;
use tracing::debug;
use warp::reply::Response;

use crate::{
    batches::Batches,
    body::{BodyError, collect},
    driver::Driver,
    origins::{Caller, ForeignOrigin},
    outbox::HIGH_WATER,
    peer::Peer,
    shutdown::Told,
    tidewire::Tidewire,
    upgrade::FOREIGN_ORIGIN,
};

/// What goes into the answer. As an outbox it takes no more once it is full; the next poll gets the rest.
#[derive(Debug, Default)]
struct Answer(Vec<u8>);

/// Answers a request, whatever it is.
pub(crate) async fn answer<B: Buf>(
    tidewire: &Tidewire,
    method: &Method,
    peer: Peer,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    let allowed = match tidewire.settings().origins.check(&peer.headers) {
        Ok(Caller::Allowed(origin)) => Some(origin.clone()),
        Ok(Caller::Own | Caller::Program) => None,
        Err(ForeignOrigin) => return refuse(StatusCode::FORBIDDEN, FOREIGN_ORIGIN),
    };
    let mut response = match *method {
        Method::POST => take(tidewire, peer, body).await,
        Method::OPTIONS if allowed.is_some() => allow_poll(),
        _ => {
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "a poll is a POST");
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, allowed);
            response
        }
    };
    if let Some(origin) = allowed {
        // Without cookies: who a client is, its frames say.
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// What a browser asks before it lets a page of another origin poll
/// ([Fetch, CORS-preflight](https://fetch.spec.whatwg.org/#cors-preflight-request)).
fn allow_poll() -> Response {
    let mut response = respond(StatusCode::NO_CONTENT, None, Vec::new());
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        // In seconds: a day. Browsers take less.
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn take<B: Buf>(tidewire: &Tidewire, peer: Peer, body: impl Stream<Item = Result<B, warp::Error>>) -> Response {
    let settings = tidewire.settings();
    match collect(body, settings.max_message_bytes, settings.body_timeout).await {
        Ok(batch) => {
            let (told, _counted) = tidewire.count();
            tidewire
                .track(poll(Driver::new(tidewire.hub(), peer), batch, told))
                .await
        }
        Err(BodyError::TooBig) => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the batch is larger than the server takes",
        ),
        Err(BodyError::Incomplete) => refuse(StatusCode::BAD_REQUEST, "the body ended before its end"),
        Err(BodyError::Late) => refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    }
}

/// Dropped, as when the client has gone, it leaves its session to wait.
async fn poll(mut driver: Driver, batch: Vec<u8>, told: Told) -> Response {
    let begun = Instant::now();
    let mut answer = Answer::default();
    let ended = wait(&mut driver, batch, told, &mut answer).await;
    debug!(path = "/poll", ?ended, bytes = answer.0.len(), age = ?begun.elapsed(), "poll answered");
    let status = match ended {
        Err(CloseCode::PROTOCOL_ERROR) if !driver.is_attached() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    respond(status, Some("application/octet-stream"), answer.0)
}

/// Waits until the poll is to be answered. An error is the code that it was closed with.
async fn wait(driver: &mut Driver, batch: Vec<u8>, mut told: Told, answer: &mut Answer) -> Result<(), CloseCode> {
    if told.has_begun() {
        return Err(driver.on_shutdown(answer));
    }
    driver.take_poll(batch, answer)?;
    loop {
        let deadline = driver.deadline();
        // The task is the same each time: hyper polls what answers a request in the task of its connection.
        let news = poll_fn(|cx| {
            if told.poll(cx) {
                return Poll::Ready(Err(driver.on_shutdown(answer)));
            }
            match driver.poll_batches(cx, answer) {
                Ok(()) if !driver.is_answer_due() => Poll::Pending,
                result => Poll::Ready(result),
            }
        });
        match deadline {
            None => return news.await,
            Some(at) => match timeout_at(at, news).await {
                Ok(result) => return result,
                Err(_) => driver.on_deadline(answer)?,
            },
        }
    }
}

fn refuse(status: StatusCode, text: &str) -> Response {
    let kind = "text/plain; charset=utf-8";
    respond(status, Some(kind), format!("{text}\n").into_bytes())
}

/// The one place where an answer gets the headers that all have.
fn respond(status: StatusCode, kind: Option<&'static str>, body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from(ORIGIN));
    response
}

impl Batches for Answer {
    fn is_full(&self) -> bool {
        self.0.len() >= HIGH_WATER
    }

    fn room(&self) -> usize {
        HIGH_WATER.saturating_sub(self.0.len())
    }

    fn push_batch(&mut self, batch: &[u8]) {
        self.0.extend_from_slice(batch);
    }

    fn push_pieces(&mut self, length: usize, pieces: impl IntoIterator<Item = Bytes>) {
        self.0.reserve(length);
        pieces.into_iter().for_each(|piece| self.0.extend_from_slice(&piece));
    }
}
