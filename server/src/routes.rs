//! The filters: paths, and what is taken from a request.

use std::convert::Infallible;

use http::{HeaderMap, Method};
use hyper::upgrade::OnUpgrade;
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

use crate::{
    connection::Endpoint,
    plain::{Chat, Echo},
    tidewire::Tidewire,
    upgrade::{Refusal, Upgrade},
    ws::Ws,
};

impl Tidewire {
    /// `/echo`, `/chat`, `/ws` and `/healthz`.
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        let echo = warp::path("echo").and(warp::path::end()).and(self.echo());
        let chat = warp::path("chat").and(warp::path::end()).and(self.chat());
        let ws = warp::path("ws").and(warp::path::end()).and(self.ws());
        let health = warp::path("healthz").and(warp::path::end()).and(self.health());
        echo.or(chat).unify().or(ws).unify().or(health).unify().boxed()
    }

    /// A WebSocket on which every text or binary message comes straight back, at whatever path it is mounted.
    ///
    /// A request that is not a proper opening handshake is answered here and not rejected: 405 for a method other than
    /// GET, 426 for a GET without upgrade or a wrong version, 400 for a bad key.
    #[must_use]
    pub fn echo(&self) -> BoxedFilter<(Response,)> {
        self.endpoint(|_| Echo)
    }

    /// A WebSocket on which what one says is told to all others, at whatever path it is mounted; the same room for
    /// every mount of this server.
    ///
    /// On joining one receives `Welcome to the WebSocket server!`, for each own message `Server received: …`, for each
    /// of the others' `Broadcast: …`. Bad handshakes are answered as for [`echo`](Self::echo).
    #[must_use]
    pub fn chat(&self) -> BoxedFilter<(Response,)> {
        self.endpoint(|tidewire| Chat::join(tidewire.lobby(), tidewire.hub().clock))
    }

    /// A WebSocket on which the room protocol is spoken, at whatever path it is mounted; the same rooms for every mount of
    /// this server. Bad handshakes are answered as for [`echo`](Self::echo).
    #[must_use]
    pub fn ws(&self) -> BoxedFilter<(Response,)> {
        self.endpoint(|tidewire| Ws::new(tidewire.hub()))
    }

    /// `GET` answers 200 as long as the server runs.
    #[must_use]
    pub fn health(&self) -> BoxedFilter<(Response,)> {
        warp::get().map(|| "ok\n".into_response()).boxed()
    }

    fn endpoint<E: Endpoint>(&self, join: fn(&Self) -> E) -> BoxedFilter<(Response,)> {
        let tidewire = self.clone();
        request()
            .map(
                move |method: Method, headers: HeaderMap, on_upgrade: Option<OnUpgrade>| {
                    Upgrade::new(&method, &headers, on_upgrade)
                        .and_then(|upgrade| tidewire.open(upgrade, join))
                        .unwrap_or_else(Refusal::into_response)
                },
            )
            .boxed()
    }
}

fn request() -> impl Filter<Extract = (Method, HeaderMap, Option<OnUpgrade>), Error = Infallible> + Clone {
    warp::method()
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
}
