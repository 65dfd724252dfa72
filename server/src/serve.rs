//! Listening, and serving HTTP with a deadline for request heads.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    pin::pin,
    time::Duration,
};

use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

use crate::{
    clock::Clock,
    limits::{Entering, Gate},
    peer::Remote,
    settings::Settings,
};

/// How many connections may wait to be accepted. tokio's own 128 make thousands of clients that come back at once wait
/// whole seconds, for TCP's retries.
const BACKLOG: i32 = 4096;

/// The largest request head, in bytes.
pub(crate) const MAX_HEAD_BYTES: usize = 16 << 10;

/// How long to pause when the system has no file descriptor for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens on `address`; port 0 picks a free one. Needs a tokio runtime.
///
/// # Errors
///
/// The system's, such as an address in use.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last run's connections to time out.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(StdListener::from(socket))
}

/// Serves `routes` over HTTP/1.1 on `listener` until `stop` resolves, then accepts no more and lets requests under way
/// end, at the latest after [`Settings::close_timeout`]. WebSockets are not waited for: see
/// [`Tidewire::shutdown`](crate::Tidewire::shutdown).
///
/// Unlike `warp::serve` it drops a connection whose request head is not complete within
/// [`Settings::handshake_timeout`].
pub async fn serve<F, R>(listener: TcpListener, routes: F, settings: &Settings, stop: impl Future<Output = ()>)
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
    R: Reply + 'static,
{
    let http = Http {
        routes: routes.map(Reply::into_response).boxed(),
        stopping: CancellationToken::new(),
        head_timeout: settings.handshake_timeout,
    };
    let gate = Gate::new(&settings.limits.of_http(), Clock::new());
    let requests = TaskTracker::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    // All of a proxy's come from one address, and say for whom only later.
                    let counted = Some(address.ip()).filter(|ip| !settings.limits.trusted_proxies.contains(*ip));
                    match gate.enter(Entering::Tcp, counted) {
                        Ok(admitted) => {
                            let serving = http.clone().serve(stream, Remote(address));
                            requests.spawn(async move {
                                serving.await;
                                drop(admitted);
                            });
                        }
                        Err(why) => debug!(?why, %address, "connection dropped"),
                    }
                }
                Err(error) => {
                    warn!(%error, "cannot accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    http.stopping.cancel();
    requests.close();
    let _ = timeout(settings.close_timeout, requests.wait()).await;
}

/// What every HTTP connection needs.
#[derive(Clone)]
struct Http {
    routes: BoxedFilter<(Response,)>,
    stopping: CancellationToken,
    head_timeout: Duration,
}

impl Http {
    async fn serve(self, stream: TcpStream, remote: Remote) {
        if let Err(error) = configure(&stream) {
            return debug!(%error, "connection lost before its first request");
        }
        let routes = warp::service(self.routes);
        let routes = TowerToHyperService::new(routes);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(remote);
            routes.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "connection ended");
        }
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A peer that vanished is noticed within two minutes, even if nothing is ever sent to it.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
