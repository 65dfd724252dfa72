//! TLS over rustls: whom it trusts, and connections with it and without.

use std::sync::{Arc, LazyLock};

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls_native_certs::load_native_certs;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_tungstenite::{
    Connector, connect_async_tls_with_config,
    tungstenite::{Error, handshake::client::Request, protocol::WebSocketConfig},
};

use super::native::Socket;
use crate::{error::ConnectError, options::ClientOptions};

/// Whose certificates a program outside a browser trusts where it connects to `wss:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those that the system trusts: its own store, or the file that the environment variable `SSL_CERT_FILE` names.
    #[default]
    System,
    /// Only those of these certificates, in PEM, one after another: as a company's own authority hands them out.
    Pem(String),
}

/// How connections to a server are made.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ClientConfig>);

/// Makes the connections of polls.
pub(super) type Http = HttpsConnector<HttpConnector>;

impl Tls {
    /// For a server at `wss:`, or at `ws:`, where nobody needs to be trusted.
    pub(super) fn new(is_secure: bool, options: &ClientOptions) -> Result<Self, ConnectError> {
        let roots = if is_secure {
            options.roots.load()?
        } else {
            Arc::new(RootCertStore::empty())
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| ConnectError::InvalidRoots)?;
        Ok(Self(Arc::new(
            builder.with_root_certificates(roots).with_no_client_auth(),
        )))
    }

    pub(super) async fn connect(self, request: Request, config: WebSocketConfig) -> Result<Socket, Error> {
        let connector = Some(Connector::Rustls(self.0));
        let (socket, _) = connect_async_tls_with_config(request, Some(config), true, connector).await?;
        Ok(socket)
    }

    pub(super) fn http(&self, mut connector: HttpConnector) -> Http {
        connector.enforce_http(false);
        (connector, Arc::clone(&self.0)).into()
    }
}

impl Roots {
    /// An error where nobody is trusted: no connection could be made.
    fn load(&self) -> Result<Arc<RootCertStore>, ConnectError> {
        let roots = match self {
            Self::System => Some(SYSTEM.clone()),
            Self::Pem(text) => read(text).map(Arc::new),
        };
        let roots = roots.filter(|roots| !roots.is_empty());
        roots.ok_or(ConnectError::InvalidRoots)
    }
}

fn read(text: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        roots.add(certificate.ok()?).ok()?;
    }
    Some(roots)
}

/// Read once: there are more than a hundred. Those of which no sense can be made are left out.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    Arc::new(roots)
});
