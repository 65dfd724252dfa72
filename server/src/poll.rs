//! `POST /poll`: a request as a short connection of the room protocol, with one batch each way.

use std::{future::poll_fn, sync::Arc, task::Poll};

use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::{
    HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, RETRY_AFTER, VARY,
    },
};
use tidewire_protocol::{CloseCode, SessionId, decode, frame::ClientFrame, server::Input};
use tokio::time::timeout_at;
use warp::reply::Response;

use crate::{
    batches::Batches,
    body::{BodyError, BodyLimit, collect},
    drain::{Drain, Due, Phase, Told},
    driver::Driver,
    limits::{Entering, NotNow},
    metrics::{Kind, Path, Tally, Traffic},
    origins::{Caller, ForeignOrigin},
    outbox::HIGH_WATER,
    peer::Peer,
    tidewire::Tidewire,
    upgrade::{FOREIGN_ORIGIN, GOING_AWAY},
};

/// What goes into the answer. As an outbox it takes no more once it is full; the next poll gets the rest.
#[derive(Debug, Default)]
struct Answer {
    batch: Vec<u8>,
    tally: Tally,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer<B: Buf>(
    tidewire: &Tidewire,
    method: &Method,
    peer: Peer,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    let allowed = match tidewire.settings().origins.check(&peer) {
        Ok(Caller::Allowed(origin)) => Some(origin.clone()),
        Ok(Caller::Own | Caller::Program) => None,
        Err(ForeignOrigin) => {
            tidewire.hub().metrics.on_request_refused(Kind::Poll, "origin");
            return refuse(StatusCode::FORBIDDEN, FOREIGN_ORIGIN);
        }
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
    let _admitted = match tidewire.hub().gate.enter(Entering::Poll, peer.address) {
        Ok(admitted) => admitted,
        Err(why) => return refuse_here(tidewire, why),
    };
    let limit = BodyLimit {
        bytes: settings.max_message_bytes,
        time: settings.body_timeout,
        partials: tidewire.hub().gate.partials(),
    };
    match collect(&peer.headers, body, limit).await {
        Ok(batch) => {
            let session = asked_session(&batch);
            if let Some(seconds) = tidewire.phase().retry_after()
                && !session.is_some_and(|id| tidewire.hub().sessions.has(id))
            {
                tidewire.hub().metrics.on_request_refused(Kind::Poll, "going_away");
                return turn_away(seconds);
            }
            let _counted = tidewire.count();
            let traffic = Traffic::begin(&tidewire.hub().metrics, Path::Poll, peer.address);
            let driver = Driver::new(tidewire.hub(), peer);
            let polled = poll(tidewire.drain_state(), driver, traffic, (session, batch));
            tidewire.track(polled).await
        }
        Err(BodyError::TooBig) => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the batch is larger than the server takes",
        ),
        Err(BodyError::NoMemory) => refuse_here(tidewire, NotNow::Full),
        Err(BodyError::Incomplete) => refuse(StatusCode::BAD_REQUEST, "the body ended before its end"),
        Err(BodyError::Late) => refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    }
}

/// The session that a batch asks to go on with.
fn asked_session(batch: &[u8]) -> Option<SessionId> {
    match decode::<ClientFrame<'_>>(batch).next() {
        Some(Ok(ClientFrame::Hello(hello))) => hello.session,
        _ => None,
    }
}

/// The server ends, and takes nobody whom it does not know.
fn turn_away(seconds: u64) -> Response {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, GOING_AWAY);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A poll that is under way, of which a drain is told how it has ended.
struct Polling<'a> {
    drain: &'a Drain,
    session: Option<SessionId>,
    is_closed: bool,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session {
            self.drain.on_polled(session, self.is_closed);
        }
    }
}

/// Dropped, as when the client has gone, it leaves its session to wait.
async fn poll(
    drain: &Arc<Drain>,
    mut driver: Driver,
    mut traffic: Traffic,
    (session, batch): (Option<SessionId>, Vec<u8>),
) -> Response {
    // All polls of a session have the same turn.
    let told = match session {
        Some(SessionId([a, b, c, d, ..])) => drain.tell_at(u32::from_be_bytes([a, b, c, d])),
        None => drain.tell(),
    };
    let mut polling = Polling {
        drain,
        session,
        is_closed: false,
    };
    let mut answer = Answer::default();
    let length = batch.len();
    let ended = match drain.phase() {
        Phase::Stopped => driver.tell(Input::Close(CloseCode::GOING_AWAY), &mut answer),
        _ => wait(&mut driver, batch, told, &mut answer).await,
    };
    polling.is_closed = ended.is_err_and(|code| code != CloseCode::TAKEN_OVER);
    traffic.on_read(length, &mut answer.tally);
    traffic.on_written(answer.batch.len(), true, &mut answer.tally);
    traffic.end(ended.err().unwrap_or(CloseCode::NORMAL));
    driver.on_polled(&traffic);
    if let Some(why) = driver.not_now() {
        return refuse_now(why);
    }
    let status = match ended {
        Err(CloseCode::PROTOCOL_ERROR) if !driver.is_attached() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    respond(status, Some("application/octet-stream"), answer.batch)
}

/// Waits until the poll is to be answered. An error is the code that it was closed with.
async fn wait(driver: &mut Driver, batch: Vec<u8>, mut told: Told, answer: &mut Answer) -> Result<(), CloseCode> {
    driver.take_poll(batch, answer)?;
    loop {
        let deadline = driver.deadline();
        // The task is the same each time: hyper polls what answers a request in the task of its connection.
        let news = poll_fn(|cx| {
            if told.poll(cx) == Due::EndNow {
                driver.finish(answer)?;
            }
            match driver.poll_batches(cx, answer) {
                // What does not fit into the last answer comes by another.
                Ok(()) if driver.is_finishing() && answer.is_full() => Poll::Ready(Ok(())),
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

/// The same for one that no connection was made of, which would count it.
fn refuse_here(tidewire: &Tidewire, why: NotNow) -> Response {
    tidewire.hub().metrics.on_request_refused(Kind::Poll, why.reason());
    refuse_now(why)
}

fn refuse_now(why: NotNow) -> Response {
    let mut response = refuse(why.status(), why.text());
    response.headers_mut().insert(RETRY_AFTER, why.retry_after());
    response
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
        self.batch.len() >= HIGH_WATER
    }

    fn room(&self) -> usize {
        HIGH_WATER.saturating_sub(self.batch.len())
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn push_batch(&mut self, batch: &[u8]) {
        self.batch.extend_from_slice(batch);
    }

    fn push_pieces(&mut self, length: usize, pieces: impl IntoIterator<Item = Bytes>) {
        self.batch.reserve(length);
        pieces
            .into_iter()
            .for_each(|piece| self.batch.extend_from_slice(&piece));
    }
}
