//! One request, passed on to a server on a connection of its own.

use std::{error::Error, net::SocketAddr};

use http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The server's answer. Dropped before that, it leaves the server, too.
pub(super) async fn forward(
    server: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the answer, or when nobody waits for that any more.
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?)
}
