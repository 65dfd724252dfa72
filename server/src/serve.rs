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
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

use crate::{
    clock::Clock,
    limits::{Entering, Gate},
    peer::{Remote, Spoken},
    send_timeout,
    settings::Settings,
    tls::Tls,
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
/// [`Settings::handshake_timeout`], and, on Linux, one that takes nothing of an answer for [`Settings::stall_timeout`].
pub async fn serve<F, R>(listener: TcpListener, routes: F, settings: &Settings, stop: impl Future<Output = ()>)
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
    R: Reply + 'static,
{
    let http = Http::new(routes.map(Reply::into_response).boxed(), None, settings);
    accept(http, listener, settings, stop).await;
}

/// The same over TLS, whose handshake must be complete within [`Settings::handshake_timeout`] as well.
pub async fn serve_tls<F, R>(
    listener: TcpListener,
    tls: Tls,
    routes: F,
    settings: &Settings,
    stop: impl Future<Output = ()>,
) where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
    R: Reply + 'static,
{
    let http = Http::new(routes.map(Reply::into_response).boxed(), Some(tls.clone()), settings);
    tokio::select! {
        () = accept(http, listener, settings, stop) => {}
        never = tls.watch() => match never {},
    }
}

async fn accept(http: Http, listener: TcpListener, settings: &Settings, stop: impl Future<Output = ()>) {
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
                            let serving = http.clone().begin(stream, address);
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
    tls: Option<Tls>,
    stopping: CancellationToken,
    head_timeout: Duration,
    send_timeout: Duration,
}

impl Http {
    fn new(routes: BoxedFilter<(Response,)>, tls: Option<Tls>, settings: &Settings) -> Self {
        Self {
            routes,
            tls,
            stopping: CancellationToken::new(),
            head_timeout: settings.handshake_timeout,
            send_timeout: settings.stall_timeout,
        }
    }

    async fn begin(self, stream: TcpStream, address: SocketAddr) {
        if let Err(error) = configure(&stream, self.send_timeout) {
            return debug!(%error, "connection lost before its first request");
        }
        let Some(tls) = self.tls.clone() else {
            let tls = Spoken::Unknown;
            return self.serve(stream, Remote { address, tls }).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(self.head_timeout, tls.accept(stream)) => shaken,
            () = self.stopping.cancelled() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let tls = Spoken::Yes;
                self.serve(stream, Remote { address, tls }).await;
            }
            Ok(Err(error)) => debug!(%error, "no TLS"),
            Err(_) => debug!("TLS handshake not complete in time"),
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(self, stream: S, remote: Remote) {
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

fn configure(stream: &TcpStream, send_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A WebSocket has its own, which it tells the peer: see `Io`.
    send_timeout::set(stream, Some(send_timeout))?;
    // A peer that vanished is noticed within two minutes, even if nothing is ever sent to it.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
