//! TLS: who is shown which certificate, and how a new one takes its place while connections go on.

mod pair;

use std::{
    convert::Infallible,
    fmt, io, mem,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::spawn_blocking,
    time::sleep,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, ServerConnection,
        crypto::{CryptoProvider, ring},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
        version::{TLS12, TLS13},
    },
    server::TlsStream,
};
use tracing::{info, warn};

pub use self::pair::TlsError;
use self::pair::{Digest, Files};

/// How much of what was encrypted may wait for the peer. It is beside a connection's outbox, so it is one record and not rustls's
/// own 64 KiB.
const BUFFER_BYTES: usize = 16 << 10;

/// What a server shows to its clients: TLS 1.2 and 1.3, with HTTP/1.1. Cloning it is cheap, and all clones are the same.
///
/// [`serve_tls`](crate::serve_tls) looks at the files from time to time. Where they have changed, and fit together, clients that
/// connect from then on are shown the new certificate. Otherwise the old one stays, and a warning is logged.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    interval: Duration,
}

struct Shared {
    files: Files,
    shown: Mutex<Shown>,
}

struct Shown {
    key: Arc<CertifiedKey>,
    validity: Option<(SystemTime, SystemTime)>,
    /// What was in the files when they were last read, whether it was good or not; none when they could not be.
    seen: Option<Digest>,
}

/// What became of the certificate that a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// There is another in the files, and clients are shown that from now on.
    Changed,
    /// The files are as they were when they were last read.
    Unchanged,
}

impl Tls {
    /// Reads a certificate, with those that lead to its authority behind it, and its private key. Both files are PEM.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or has not what it should, or the two do not belong together.
    pub fn open(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let files = Files {
            certificate: certificate.into(),
            key: key.into(),
        };
        let provider = Arc::new(ring::default_provider());
        let content = files.read()?;
        let shared = Arc::new(Shared {
            shown: Mutex::new(Shown {
                key: content.certified(&files, &provider)?,
                validity: content.validity(),
                seen: Some(content.digest()),
            }),
            files,
        });
        let acceptor = TlsAcceptor::from(Arc::new(config(Arc::clone(&shared), provider)?));
        Ok(Self {
            shared,
            acceptor,
            interval: Duration::from_secs(5),
        })
    }

    /// How often the files are looked at. Default: 5 s.
    #[must_use]
    pub const fn look_every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// From when to when the certificate that is shown is valid, where that can be told.
    #[must_use]
    pub fn validity(&self) -> Option<(SystemTime, SystemTime)> {
        self.shared.lock().validity
    }

    /// Looks at the files now. It reads them, which may block.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). The certificate stays as it is then, and the same files are no error the next time.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let Shared { files, .. } = &*self.shared;
        let read = files.read();
        let digest = read.as_ref().ok().map(|content| content.digest());
        if mem::replace(&mut self.shared.lock().seen, digest) == digest {
            return Ok(Reloaded::Unchanged);
        }
        let content = read?;
        let key = content.certified(files, self.acceptor.config().crypto_provider())?;
        let mut shown = self.shared.lock();
        shown.key = key;
        shown.validity = content.validity();
        Ok(Reloaded::Changed)
    }

    /// Looks at the files now, and logs what comes of it.
    pub async fn reload_and_log(&self) {
        let tls = self.clone();
        match spawn_blocking(move || tls.reload()).await {
            Ok(Ok(Reloaded::Changed)) => info!("clients are shown a new TLS certificate"),
            Ok(Ok(Reloaded::Unchanged)) => {}
            Ok(Err(error)) => warn!(%error, "the TLS certificate stays as it is"),
            Err(error) => warn!(%error, "cannot look for a new TLS certificate"),
        }
    }

    /// Looks at the files from time to time, for ever.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            sleep(self.interval).await;
            self.reload_and_log().await;
        }
    }

    /// The handshake. Who speaks plain HTTP is told so.
    pub(crate) async fn accept(&self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        // That of a handshake is 22, and a request begins with its method.
        if first[0].is_ascii_uppercase() {
            return Err(refuse_http(&mut stream).await);
        }
        let bound = |session: &mut ServerConnection| session.set_buffer_limit(Some(BUFFER_BYTES));
        self.acceptor.accept_with(stream, bound).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        // No code that can panic runs under the lock.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.lock().key))
    }
}

fn config(shown: Arc<Shared>, provider: Arc<CryptoProvider>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn refuse_http(stream: &mut TcpStream) -> io::Error {
    // What is not read would reset the connection, and the answer might be lost.
    let _ = stream.read(&mut [0; 4 << 10]).await;
    let _ = stream.write_all(PLAIN_HTTP).await;
    let _ = stream.shutdown().await;
    io::Error::new(io::ErrorKind::InvalidData, "plain HTTP where TLS was expected")
}

const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n\r\n\
    this address speaks TLS alone: use https:// or wss://\n";

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.shared.files)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
