//! Who may do what: tokens, and what may be done without.

use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use humantime::parse_duration;
use tidewire_server::{ApiKeys, Builder, InvalidKey, Jwt, JwtKeys, Settings};

/// Who may do what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct Access {
    /// What a client must show: nothing, or a JSON Web Token that says who it is and what it may do
    #[arg(long, env = "TIDEWIRE_AUTH", value_name = "KIND", default_value = "none")]
    auth: Auth,

    /// File with the secret that tokens are signed with by HS256, at least 32 bytes; a line break at its end is no part of it
    /// [default: none]
    #[arg(long, env = "TIDEWIRE_JWT_SECRET_FILE", value_name = "FILE", group = "key")]
    jwt_secret_file: Option<PathBuf>,

    /// File with the public key (PEM, Ed25519) of tokens that are signed by EdDSA [default: none]
    #[arg(long, env = "TIDEWIRE_JWT_PUBLIC_KEY_FILE", value_name = "FILE", group = "key")]
    jwt_public_key_file: Option<PathBuf>,

    /// File with a JSON Web Key Set: HS256, EdDSA, ES256, RS256, chosen by a token's kid [default: none]
    #[arg(long, env = "TIDEWIRE_JWKS_FILE", value_name = "FILE", group = "key")]
    jwks_file: Option<PathBuf>,

    /// Take only tokens of this issuer (iss) [default: of any]
    #[arg(long, env = "TIDEWIRE_JWT_ISSUER", value_name = "NAME")]
    jwt_issuer: Option<String>,

    /// Take only tokens for this audience (aud) [default: those that name none]
    #[arg(long, env = "TIDEWIRE_JWT_AUDIENCE", value_name = "NAME")]
    jwt_audience: Option<String>,

    /// Longest life of a token; for so long it is remembered what was revoked
    #[arg(long, env = "TIDEWIRE_MAX_TOKEN_LIFE", value_name = "TIME", default_value = "24h", value_parser = parse_duration)]
    max_token_life: Duration,

    /// File with the keys of /api and /metrics: one a line of at least 32 characters, or a comment after #. Without it both are
    /// open to everybody, or with --auth jwt to nobody [default: none]
    #[arg(long, env = "TIDEWIRE_API_KEY_FILE", value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Listen on an address that is not loopback although everybody may do everything
    #[arg(long, env = "TIDEWIRE_INSECURE_PUBLIC")]
    pub(crate) insecure_public: bool,

    /// Time in which it must be decided who may do what
    #[arg(long, env = "TIDEWIRE_ACCESS_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    access_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Everybody may do everything
    None,
    /// Who has a token may do what it says
    Jwt,
}

impl Access {
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.max_token_life = self.max_token_life;
        settings.access_timeout = self.access_timeout;
    }

    /// Whether a client must show something.
    pub(crate) fn asks_for_tokens(&self) -> bool {
        self.auth == Auth::Jwt
    }

    /// Gives a server its rules and keys.
    pub(super) fn build(&self, mut builder: Builder) -> io::Result<Builder> {
        let jwt = self.jwt()?;
        if let Some(keys) = self.api_keys()? {
            builder = builder.api_keys(keys);
        }
        Ok(match jwt {
            Some(jwt) => builder.access(jwt),
            None => builder,
        })
    }

    fn api_keys(&self) -> io::Result<Option<ApiKeys>> {
        let Some(path) = &self.api_key_file else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let keys = ApiKeys::parse(&text).map_err(|error| about(path, &error))?;
        Ok(Some(keys))
    }

    fn jwt(&self) -> io::Result<Option<Jwt>> {
        if !self.asks_for_tokens() {
            let keys = [&self.jwt_secret_file, &self.jwt_public_key_file, &self.jwks_file];
            return match keys.iter().any(|path| path.is_some()) {
                true => Err(wrong("keys of tokens are of no use without --auth jwt")),
                false => Ok(None),
            };
        }
        let jwt = Jwt::new(self.keys()?).max_life(self.max_token_life);
        let jwt = self.jwt_issuer.iter().fold(jwt, Jwt::issuer);
        Ok(Some(self.jwt_audience.iter().fold(jwt, Jwt::audience)))
    }

    fn keys(&self) -> io::Result<JwtKeys> {
        let parse: fn(&[u8]) -> Result<JwtKeys, InvalidKey>;
        let path = match (&self.jwt_secret_file, &self.jwt_public_key_file, &self.jwks_file) {
            (Some(path), ..) => {
                let secret = read_secret(path)?;
                return JwtKeys::secret(&secret).map_err(|error| about(path, &error));
            }
            (_, Some(path), _) => {
                parse = JwtKeys::public_key;
                path
            }
            (.., Some(path)) => {
                parse = JwtKeys::jwks;
                path
            }
            (None, None, None) => {
                return Err(wrong(
                    "--auth jwt needs --jwt-secret-file, --jwt-public-key-file or --jwks-file",
                ));
            }
        };
        parse(&read(path)?).map_err(|error| about(path, &error))
    }
}

/// A secret, without the line break at the end of its file.
pub(crate) fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = read(path)?;
    for end in [b'\n', b'\r'] {
        secret.pop_if(|last| *last == end);
    }
    Ok(secret)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| about(path, &error))
}

fn about(path: &Path, error: &dyn Display) -> io::Error {
    wrong(&format!("{}: {error}", path.display()))
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
