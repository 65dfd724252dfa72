//! A certificate and its private key, from their files.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::{
    self,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_cert::{Certificate, der::Decode};

/// Why there is no TLS, or no other certificate than before.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file has no certificate in it.
    NoCertificate(PathBuf),
    /// A file has no private key in it.
    NoKey(PathBuf),
    /// The certificate is for another key.
    Mismatch,
    /// rustls cannot work with the certificate or the key.
    Unusable(rustls::Error),
}

/// Where the two are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What tells contents apart, without keeping a key.
pub(super) type Digest = [u8; 32];

/// What is in the files.
pub(super) struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub(super) fn read(&self) -> Result<Content, TlsError> {
        Ok(Content {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }
}

impl Content {
    pub(super) fn digest(&self) -> Digest {
        let parts = Sha256::new().chain_update(Sha256::digest(&self.certificate));
        parts.chain_update(Sha256::digest(&self.key)).finalize().into()
    }

    /// Both, as rustls wants them.
    pub(super) fn certified(&self, files: &Files, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
        let chain = self.chain();
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(files.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey(files.key.clone()))?;
        match CertifiedKey::from_der(chain, key, provider) {
            Ok(certified) => Ok(Arc::new(certified)),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch),
            Err(error) => Err(TlsError::Unusable(error)),
        }
    }

    /// From when to when the first certificate is valid.
    pub(super) fn validity(&self) -> Option<(SystemTime, SystemTime)> {
        let certificate = Certificate::from_der(self.chain().first()?).ok()?;
        let validity = certificate.tbs_certificate.validity;
        Some((
            validity.not_before.to_system_time(),
            validity.not_after.to_system_time(),
        ))
    }

    /// All certificates up to the first thing that is none.
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(&self.certificate)
            .map_while(Result::ok)
            .collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error))
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoCertificate(path) => write!(f, "{}: no certificate in PEM", path.display()),
            Self::NoKey(path) => write!(f, "{}: no private key in PEM", path.display()),
            Self::Mismatch => f.write_str("the TLS certificate is for another private key"),
            Self::Unusable(error) => write!(f, "the TLS certificate or its key cannot be used: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
