//! Connections of a program that was built without TLS.

use hyper_util::client::legacy::connect::HttpConnector;
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Error, handshake::client::Request, protocol::WebSocketConfig},
};

use super::native::Socket;
use crate::{error::ConnectError, options::ClientOptions};

/// How connections to a server are made.
#[derive(Clone, Debug)]
pub(super) struct Tls;

/// Makes the connections of polls.
pub(super) type Http = HttpConnector;

impl Tls {
    /// For a server at `ws:`.
    pub(super) const fn new(is_secure: bool, _: &ClientOptions) -> Result<Self, ConnectError> {
        if is_secure {
            return Err(ConnectError::NoTls);
        }
        Ok(Self)
    }

    pub(super) async fn connect(self, request: Request, config: WebSocketConfig) -> Result<Socket, Error> {
        let (socket, _) = connect_async_with_config(request, Some(config), true).await?;
        Ok(socket)
    }

    #[allow(clippy::unused_self, reason = "with TLS it is used")]
    pub(super) const fn http(&self, connector: HttpConnector) -> Http {
        connector
    }
}
