//! TLS for tests: an authority of their own, certificates in files, and a way for what speaks no TLS to a server that does.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tidewire_server::Tls;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::within;

/// Who signs the certificates of a test.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate for `localhost` and its key, in a folder that is removed with its value.
#[derive(Debug)]
pub struct PairFiles {
    folder: PathBuf,
}

/// Listens without TLS, and passes each connection on over TLS. It ends with its value.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Authority {
    /// A new one, which nobody trusts.
    ///
    /// # Panics
    ///
    /// When there are no random numbers.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// Its own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A new certificate in files of its own.
    ///
    /// # Panics
    ///
    /// When there is no place for files.
    #[must_use]
    pub fn issue(&self) -> PairFiles {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tidewire-tls-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let files = PairFiles { folder };
        self.renew(&files, |_| {});
        files
    }

    /// Puts a new certificate and a new key where the old ones are, and returns the certificate.
    ///
    /// # Panics
    ///
    /// When the files cannot be written.
    pub fn renew(&self, files: &PairFiles, change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("names");
        params.distinguished_name = name("localhost");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        fs::write(files.certificate(), certificate.pem()).expect("a file");
        fs::write(files.key(), key.serialize_pem()).expect("a file");
        certificate.der().clone()
    }

    /// What connects to servers whose certificates are of this authority, and offers to speak these protocols.
    ///
    /// # Panics
    ///
    /// When rustls does not know these versions.
    #[must_use]
    pub fn connector(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    /// A connection to a server, with any version.
    ///
    /// # Errors
    ///
    /// When there is none, or the server is not who it should be.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = within(TcpStream::connect(address)).await?;
        shake_hands(&self.connector(ALL_VERSIONS, &["http/1.1"]), stream).await
    }

    /// A way to a server for what speaks no TLS.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn tunnel(&self, server: SocketAddr) -> Tunnel {
        self.tunnel_from(Ipv4Addr::LOCALHOST, server).await
    }

    /// The same for a client with an address of its own.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn tunnel_from(&self, source: Ipv4Addr, server: SocketAddr) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connector = self.connector(ALL_VERSIONS, &["http/1.1"]);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, source, server, connector.clone()));
            }
        });
        Tunnel { address, accepting }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl PairFiles {
    /// Where the certificate is.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Where its key is.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Both, as a server wants them.
    ///
    /// # Panics
    ///
    /// When they are not good.
    #[must_use]
    pub fn open(&self) -> Tls {
        Tls::open(self.certificate(), self.key()).expect("a good pair")
    }

    /// Both, as the binary wants them.
    #[must_use]
    pub fn options(&self) -> [String; 2] {
        [
            format!("--tls-cert={}", self.certificate().display()),
            format!("--tls-key={}", self.key().display()),
        ]
    }
}

impl Drop for PairFiles {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Tunnel {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The handshake with a server on this machine.
///
/// # Errors
///
/// When it fails.
async fn shake_hands(connector: &TlsConnector, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("a name");
    within(connector.connect(name, stream)).await
}

async fn pass_on(mut client: TcpStream, source: Ipv4Addr, server: SocketAddr, connector: TlsConnector) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((source, 0).into()).expect("an address of this machine");
    let Ok(stream) = socket.connect(server).await else {
        return;
    };
    if let Ok(mut server) = shake_hands(&connector, stream).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

fn name(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}
