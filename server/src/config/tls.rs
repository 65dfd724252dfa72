//! TLS in the binary itself.

use std::path::{Path, PathBuf};

use clap::Args;
use tidewire_server::{Tls as ServedTls, TlsError};

/// The certificate and its key.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct Tls {
    /// TLS certificate in PEM, those that lead to its authority behind it; then the server speaks https and wss alone. It is read
    /// anew within 5 s of a change, or at SIGHUP [default: none]
    #[arg(long, env = "TIDEWIRE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of the TLS certificate, in PEM [default: none]
    #[arg(long, env = "TIDEWIRE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl Tls {
    /// Reads both files, where they are given.
    pub(crate) fn open(&self) -> Result<Option<ServedTls>, TlsError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => ServedTls::open(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    /// The file with what nobody else should know.
    pub(crate) fn secret_file(&self) -> Option<&Path> {
        self.tls_key.as_deref()
    }

    /// Whether they are given.
    pub(crate) fn is_given(&self) -> bool {
        self.tls_cert.is_some()
    }
}
