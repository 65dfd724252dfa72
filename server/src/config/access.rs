//! Who may do what: tokens, and what may be done without.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use humantime::parse_duration;
use tidewire_server::{ApiKeys, Builder, Jwt, JwtKeys, Settings};

use super::{
    key_files::{KeyFile, KeyFiles, read},
    wrong,
};

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

    /// Files with what nobody else should know.
    pub(crate) fn secret_files(&self) -> impl Iterator<Item = &Path> {
        [&self.jwt_secret_file, &self.api_key_file]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    /// Gives a server its rules and keys, and says which files they are from.
    pub(super) fn build(&self, mut builder: Builder) -> io::Result<(Builder, KeyFiles)> {
        let mut files = KeyFiles::default();
        if let Some(jwt) = self.jwt(&mut files)? {
            builder = builder.access(jwt);
        }
        if let Some(path) = &self.api_key_file {
            let (file, keys) = KeyFile::open(path, api_keys)?;
            builder = builder.api_keys(keys.clone());
            files.watch(file, move |new| keys.replace(&new));
        }
        Ok((builder, files))
    }

    fn jwt(&self, files: &mut KeyFiles) -> io::Result<Option<Jwt>> {
        if !self.asks_for_tokens() {
            let keys = [&self.jwt_secret_file, &self.jwt_public_key_file, &self.jwks_file];
            return match keys.iter().any(|path| path.is_some()) {
                true => Err(wrong("keys of tokens are of no use without --auth jwt")),
                false => Ok(None),
            };
        }
        let (file, keys) = self.keys()?;
        let jwt = Jwt::new(keys).max_life(self.max_token_life);
        let jwt = self.jwt_issuer.iter().fold(jwt, Jwt::issuer);
        let jwt = self.jwt_audience.iter().fold(jwt, Jwt::audience);
        files.watch(file, {
            let jwt = jwt.clone();
            move |keys| jwt.replace_keys(keys)
        });
        Ok(Some(jwt))
    }

    fn keys(&self) -> io::Result<(KeyFile<JwtKeys>, JwtKeys)> {
        match (&self.jwt_secret_file, &self.jwt_public_key_file, &self.jwks_file) {
            (Some(path), ..) => KeyFile::open(path, |content| said(JwtKeys::secret(without_line_break(content)))),
            (_, Some(path), _) => KeyFile::open(path, |content| said(JwtKeys::public_key(content))),
            (.., Some(path)) => KeyFile::open(path, |content| said(JwtKeys::jwks(content))),
            (None, None, None) => Err(wrong(
                "--auth jwt needs --jwt-secret-file, --jwt-public-key-file or --jwks-file",
            )),
        }
    }
}

/// A secret, without the line break at the end of its file.
pub(crate) fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    Ok(without_line_break(&read(path)?).to_vec())
}

fn without_line_break(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

fn api_keys(content: &[u8]) -> Result<ApiKeys, String> {
    said(ApiKeys::parse(&String::from_utf8_lossy(content)))
}

fn said<K, E: Display>(parsed: Result<K, E>) -> Result<K, String> {
    parsed.map_err(|error| error.to_string())
}
