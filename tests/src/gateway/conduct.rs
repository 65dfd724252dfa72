//! What becomes of one request, as the rules have it.

use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, UPGRADE},
};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::{Bytes, Incoming},
    upgrade::{self, OnUpgrade},
};
use tidewire_behaviours::{Polls, Rules, Spoiled, WebSockets};
use tokio::{sync::watch, time::timeout};

use super::{Shared, forward::forward, tunnel::Tunnel};

/// What answers the requests of a connection.
#[derive(Clone)]
pub(super) struct Conduct {
    shared: Arc<Shared>,
    cut: watch::Receiver<u64>,
}

/// What goes back to the client.
type Body = BoxBody<Bytes, hyper::Error>;

impl Conduct {
    pub(super) fn new(shared: Arc<Shared>, cut: watch::Receiver<u64>) -> Self {
        Self { shared, cut }
    }

    pub(super) async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        Ok(if request.headers().contains_key(UPGRADE) {
            self.websocket(request).await
        } else if request.method() == Method::POST {
            self.poll(request).await
        } else {
            self.pass_on(request).await
        })
    }

    async fn websocket(self, request: Request<Incoming>) -> Response<Body> {
        let rules = self.shared.rules();
        if !rules.let_websockets_pass() {
            self.shared.count(|it| it.barred += 1);
        }
        match rules.websockets {
            WebSockets::Refuse(status) => page(status_of(status)),
            WebSockets::Hang => pending().await,
            WebSockets::Pass | WebSockets::Kill(_) => self.upgrade(request, rules).await,
        }
    }

    /// Has the server upgrade, and then passes bytes on.
    async fn upgrade(self, mut request: Request<Incoming>, rules: Rules) -> Response<Body> {
        let client: OnUpgrade = upgrade::on(&mut request);
        let Ok(mut response) = forward(self.shared.next_server(), request).await else {
            return page(StatusCode::BAD_GATEWAY);
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let server = upgrade::on(&mut response);
            if rules.let_websockets_pass() {
                self.shared.count(|it| it.websockets += 1);
            }
            let tunnel = Tunnel::new(self.shared, rules);
            tokio::spawn(tunnel.run(client, server, self.cut));
        }
        response.map(BodyExt::boxed)
    }

    async fn poll(self, request: Request<Incoming>) -> Response<Body> {
        let (mut changes, rules) = (self.shared.rules.subscribe(), self.shared.rules());
        let Some(spoiled) = self.next_spoiled(rules.polls) else {
            self.shared.count(|it| it.polls += 1);
            return tokio::select! {
                response = self.pass_on(request) => response,
                _ = changes.wait_for(|it| *it != rules && !it.let_polls_pass()) => page(StatusCode::BAD_GATEWAY),
            };
        };
        self.shared.count(|it| it.spoiled += 1);
        // As those do that look at no more than the head, it answers, and leaves the body to be read and dropped.
        page(match spoiled {
            Spoiled::Status(status) => status_of(status),
            Spoiled::Page => StatusCode::OK,
        })
    }

    fn next_spoiled(&self, rule: Polls) -> Option<Spoiled> {
        match rule {
            Polls::Spoil(every, spoiled) => {
                let number = self.shared.polls.fetch_add(1, Ordering::Relaxed);
                number.is_multiple_of(every).then_some(spoiled)
            }
            Polls::Pass => None,
        }
    }

    async fn pass_on(&self, request: Request<Incoming>) -> Response<Body> {
        let rules = self.shared.rules();
        let answered = async {
            let response = forward(self.shared.next_server(), request).await?;
            if rules.hold_bytes.is_none() {
                return Ok(response.map(BodyExt::boxed));
            }
            let (head, body) = response.into_parts();
            let body = body.collect().await?.map_err(|never| match never {}).boxed();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Response::from_parts(head, body))
        };
        let answered = match rules.idle_ms {
            None => answered.await,
            Some(idle) => match timeout(Duration::from_millis(idle), answered).await {
                Ok(answered) => answered,
                Err(_) => {
                    self.shared.count(|it| it.idle += 1);
                    return page(StatusCode::GATEWAY_TIMEOUT);
                }
            },
        };
        answered.unwrap_or_else(|_| page(StatusCode::BAD_GATEWAY))
    }
}

/// What a proxy answers by itself.
fn page(status: StatusCode) -> Response<Body> {
    let text = format!("<!doctype html><title>{status}</title><p>This is not what you asked for.\n");
    let body = Full::from(text).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // A page of the same origin could read it.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}
