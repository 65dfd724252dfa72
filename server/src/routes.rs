//! The filters: paths, and what is taken from a request.

use std::sync::Arc;

use http::Method;
use hyper::upgrade::OnUpgrade;
use warp::{
    Filter, Reply,
    filters::{BoxedFilter, path::Tail},
    reply::Response,
};

use crate::{
    access::Guest,
    api,
    connection::Endpoint,
    metrics::{self, Kind},
    peer::{Peer, peer},
    plain::{Chat, Echo},
    poll,
    tidewire::Tidewire,
    upgrade::{Refusal, Upgrade},
    ws::Ws,
};

impl Tidewire {
    /// `/echo`, `/chat`, `/ws`, `/poll`, `/api`, `/healthz`, `/readyz` and `/metrics`.
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        let echo = warp::path("echo").and(warp::path::end()).and(self.echo());
        let chat = warp::path("chat").and(warp::path::end()).and(self.chat());
        let ws = warp::path("ws").and(warp::path::end()).and(self.ws());
        let poll = warp::path("poll").and(warp::path::end()).and(self.poll());
        let api = warp::path("api").and(self.api());
        let health = warp::path("healthz").and(warp::path::end()).and(self.health());
        let metrics = warp::path("metrics").and(warp::path::end()).and(self.metrics());
        let ready = warp::path("readyz").and(warp::path::end()).and(self.ready());
        echo.or(chat)
            .unify()
            .or(ws)
            .unify()
            .or(poll)
            .unify()
            .or(api)
            .unify()
            .or(health)
            .unify()
            .or(metrics)
            .unify()
            .or(ready)
            .unify()
            .boxed()
    }

    /// A WebSocket on which every text or binary message comes straight back, at whatever path it is mounted.
    ///
    /// A request that is not a proper opening handshake is answered here and not rejected: 405 for a method other than
    /// GET, 426 for a GET without upgrade or a wrong version, 400 for a bad key, 403 for a page that
    /// [`Settings::origins`](crate::Settings::origins) does not allow, 401 for who may not
    /// [connect](crate::Access::connect), who has no token to show here. When the [pass](crate::Pass) expires the connection is
    /// closed with 4001, and with 4202 when the [sessions of its subject are ended](Self::end_sessions).
    #[must_use]
    pub fn echo(&self) -> BoxedFilter<(Response,)> {
        self.plain(|tidewire, peer, guest| Echo::new(guest, tidewire.hub().throttle(&peer)))
    }

    /// A WebSocket on which what one says is told to all others, at whatever path it is mounted; the same room for
    /// every mount of this server.
    ///
    /// On joining one receives `Welcome to the WebSocket server!`, for each own message `Server received: …`, for each
    /// of the others' `Broadcast: …`. Bad handshakes are answered as for [`echo`](Self::echo).
    #[must_use]
    pub fn chat(&self) -> BoxedFilter<(Response,)> {
        self.plain(|tidewire, peer, guest| {
            let hub = tidewire.hub();
            let close_timeout = tidewire.settings().close_timeout;
            Chat::join(tidewire.lobby(), hub.clock, guest, hub.throttle(&peer), close_timeout)
        })
    }

    /// A WebSocket on which the room protocol is spoken, at whatever path it is mounted; the same rooms for every mount of
    /// this server. Bad handshakes are answered as for [`echo`](Self::echo); who may connect is asked at each hello.
    #[must_use]
    pub fn ws(&self) -> BoxedFilter<(Response,)> {
        self.endpoint(|tidewire, peer| Ws::new(tidewire.hub(), peer))
    }

    /// The room protocol for who cannot have a WebSocket: `POST` with a batch, answered with one once there is news, at
    /// whatever path it is mounted. Sessions and rooms are those of [`ws`](Self::ws), and a session may go from one to the
    /// other.
    ///
    /// A batch that does not begin with *hello* is answered with 400, one larger than
    /// [`Settings::max_message_bytes`](crate::Settings::max_message_bytes) with 413, one that takes longer than
    /// [`Settings::body_timeout`](crate::Settings::body_timeout) with 408, another method with 405, and where the server
    /// [drains](Self::drain) one that asks for no session of its own with 503; all else with 200.
    /// Pages of other origins get CORS headers where [`Settings::origins`](crate::Settings::origins) allows them, and 403
    /// otherwise.
    #[must_use]
    pub fn poll(&self) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        warp::method()
            .and(peer(&self.settings().limits.trusted_proxies))
            .and(warp::body::stream())
            .then(move |method: Method, peer: Peer, body| {
                let tidewire = tidewire.clone();
                async move { poll::answer(&tidewire, &method, peer, body).await }
            })
            .boxed()
    }

    /// What other programs ask over HTTP, at whatever path it is mounted.
    ///
    /// `rooms/{room}/messages`: `POST` publishes the body, `GET` reads. `drain`: `POST` has the server
    /// [drain](Self::drain) over [`Settings::drain`](crate::Settings::drain), `GET` says how far that is.
    /// `limits`: `GET` tells all [limits](crate::limits()).
    ///
    /// A body of a `text/…` type or of `application/json` is text, any other is bytes. Of several requests with one
    /// `Idempotency-Key` only the first publishes, and the others are answered alike. `GET` takes `last=N`, or
    /// `after=EPOCH:OFFSET` and `limit=N`. Every answer is JSON, and a
    /// request that is not good, or for another path, is answered and not rejected.
    #[must_use]
    pub fn api(&self) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        warp::path::tail()
            .and(warp::method())
            .and(peer(&self.settings().limits.trusted_proxies))
            .and(query)
            .and(warp::body::stream())
            .then(move |path: Tail, method: Method, peer: Peer, query: String, body| {
                let tidewire = tidewire.clone();
                async move {
                    let request = api::Request {
                        method: &method,
                        peer: &peer,
                        path: path.as_str(),
                        query: &query,
                    };
                    api::answer(&tidewire, request, body).await
                }
            })
            .boxed()
    }

    /// `GET` answers 200 as long as the server runs.
    #[must_use]
    pub fn health(&self) -> BoxedFilter<(Response,)> {
        warp::get().map(|| "ok\n".into_response()).boxed()
    }

    /// `GET` answers with what the server has counted, as
    /// [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/) reads it. It needs a key where
    /// [`api`](Self::api) needs one.
    #[must_use]
    pub fn metrics(&self) -> BoxedFilter<(Response,)> {
        let hub = Arc::clone(self.hub());
        let answer = move |peer: Peer| api::answer_program(&hub, &peer, metrics::answer);
        let peer = peer(&self.settings().limits.trusted_proxies);
        warp::get().and(peer).map(answer).boxed()
    }

    /// `GET` answers 200 while the server takes connections, and 503 with `Retry-After` while it [drains](Self::drain): who
    /// shares connections out among servers leaves it out then.
    #[must_use]
    pub fn ready(&self) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        let answer = move || match tidewire.phase().retry_after() {
            None => "ready\n".into_response(),
            Some(seconds) => Refusal::GoingAway(seconds).into_response(),
        };
        warp::get().map(answer).boxed()
    }

    /// An endpoint on which nobody can show a token, so that it is asked before who may connect.
    fn plain<E: Endpoint>(&self, join: fn(&Self, Peer, Guest) -> E) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        warp::method()
            .and(peer(&self.settings().limits.trusted_proxies))
            .and(warp::ext::optional::<OnUpgrade>())
            .then(move |method: Method, peer: Peer, on_upgrade: Option<OnUpgrade>| {
                let tidewire = tidewire.clone();
                async move {
                    let opened = async {
                        let origins = &tidewire.settings().origins;
                        let upgrade = Upgrade::new(&method, &peer, on_upgrade, origins)?;
                        let pass = tidewire.hub().decider.connect(&peer.connecting()).decided().await?;
                        let guest = tidewire.hub().let_in(&pass)?;
                        tidewire.open(upgrade, peer, move |tidewire, peer| join(tidewire, peer, guest))
                    };
                    opened.await.unwrap_or_else(|refusal| tidewire.refuse(refusal))
                }
            })
            .boxed()
    }

    fn endpoint<E: Endpoint>(&self, join: fn(&Self, Peer) -> E) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        warp::method()
            .and(peer(&self.settings().limits.trusted_proxies))
            .and(warp::ext::optional::<OnUpgrade>())
            .map(move |method: Method, peer: Peer, on_upgrade: Option<OnUpgrade>| {
                Upgrade::new(&method, &peer, on_upgrade, &tidewire.settings().origins)
                    .and_then(|upgrade| tidewire.open(upgrade, peer, join))
                    .unwrap_or_else(|refusal| tidewire.refuse(refusal))
            })
            .boxed()
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        self.hub().metrics.on_request_refused(Kind::WebSocket, refusal.reason());
        refusal.into_response()
    }
}
