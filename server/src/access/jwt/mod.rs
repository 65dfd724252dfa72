//! JSON Web Tokens: who somebody is and what it may do, signed by who knows it.

mod claims;
mod crypto;
mod keys;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Validation, decode, decode_header};
use tracing::debug;

use self::claims::Claims;
pub use self::keys::{InvalidKey, JwtKeys};
use super::{Access, Connecting, Decision, Denied, Pass};

/// Takes JSON Web Tokens ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)).
///
/// A token has the claims `sub`, the subject, of 1 to 64 bytes without control characters; `exp`; and `grants`, an object whose keys
/// are [`Pattern`](super::Pattern)s of room names and whose values are lists of `subscribe`, `publish`, `signal`, `presence` and
/// `history`. What is not granted is not allowed. `nbf`, `iat`, `iss` and `aud` are looked at where they are there.
///
/// Clones have the same keys, also when these are [replaced](Self::replace_keys) while a server runs.
#[derive(Clone, Debug)]
pub struct Jwt {
    keys: Arc<RwLock<JwtKeys>>,
    issuer: Option<String>,
    audience: Option<String>,
    max_life: Duration,
}

impl Jwt {
    /// The longest token, in bytes.
    pub const MAX_TOKEN_BYTES: usize = 8 << 10;

    /// How many patterns of room names a token may have.
    pub const MAX_GRANTS: usize = 64;

    /// Takes tokens that are signed with one of these keys.
    #[must_use]
    pub fn new(keys: JwtKeys) -> Self {
        crypto::install();
        Self {
            keys: Arc::new(RwLock::new(keys)),
            issuer: None,
            audience: None,
            max_life: DEFAULT_MAX_LIFE,
        }
    }

    /// Only of this issuer: `iss` must be there and be it. Default: of any.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Only for this audience: `aud` must be there and name it. Default: a token that names an audience is not taken.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Only those that expire at most so long after they were issued, or from now where they do not say when that was. For so long
    /// it is remembered what is revoked. Default: 24 hours.
    #[must_use]
    pub fn max_life(mut self, time: Duration) -> Self {
        self.max_life = time;
        self
    }

    /// From now on takes tokens that are signed with one of these keys, and no others. Who has shown one that was good stays until
    /// it expires.
    pub fn replace_keys(&self, keys: JwtKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn keys(&self) -> JwtKeys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a token says, at this time: for tokens that come to a program by another way.
    ///
    /// # Errors
    ///
    /// When it is not good, or is so no longer.
    pub fn check(&self, token: &[u8], now: SystemTime) -> Result<Pass, Denied> {
        self.read(token, now).map_err(|fault| {
            debug!(?fault, "a token is not taken");
            match fault {
                Fault::NotGood(_) => Denied::Unauthorized,
                Fault::Expired => Denied::Expired,
            }
        })
    }

    fn read(&self, token: &[u8], now: SystemTime) -> Result<Pass, Fault> {
        if token.len() > Self::MAX_TOKEN_BYTES {
            return Err(Fault::NotGood("it is too long"));
        }
        let header = decode_header(token).map_err(|_| Fault::NotGood("it is malformed, or of another algorithm"))?;
        if header.crit.is_some() {
            return Err(Fault::NotGood("it demands what is not known here"));
        }
        let keys = self.keys();
        let key = keys.find(&header).ok_or(Fault::NotGood("its key is unknown"))?;
        let mut rules = Validation::new(key.algorithm);
        // Times are looked at below: `exp` allows for no leeway.
        rules.validate_exp = false;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &self.issuer {
            rules.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.audience {
            rules.set_audience(&[audience]);
            required.push("aud");
        }
        rules.set_required_spec_claims(&required);
        let decoded = decode::<Claims>(token, &key.key, &rules);
        let claims = decoded
            .map_err(|_| Fault::NotGood("its signature or its claims are not good"))?
            .claims;
        self.pass(claims, now)
    }

    fn pass(&self, claims: Claims, now: SystemTime) -> Result<Pass, Fault> {
        let latest = now + CLOCK_LEEWAY;
        let begins = claims.not_before.into_iter().chain(claims.issued);
        if begins.max().is_some_and(|at| at > latest) {
            return Err(Fault::NotGood("it is not valid yet"));
        }
        let expires_in = claims.expires.duration_since(now).map_err(|_| Fault::Expired)?;
        let life = claims.expires.duration_since(claims.issued.unwrap_or(now));
        if life.is_ok_and(|life| life > self.max_life) {
            return Err(Fault::NotGood("it lives for too long"));
        }
        if expires_in.is_zero() {
            return Err(Fault::Expired);
        }
        // One that does not say when it was issued may be as old as any that is revoked.
        let issued = claims.issued.unwrap_or(UNIX_EPOCH);
        Ok(Pass::of(claims.subject)
            .expiring_in(expires_in)
            .issued(issued)
            .granting(claims.grants))
    }
}

impl Access for Jwt {
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(self.check(connecting.token, SystemTime::now()))
    }
}

/// Why a token is not taken, without anything that it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotGood(&'static str),
    Expired,
}

/// How far the clock of who issues tokens may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::from_secs(30);

const DEFAULT_MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests;
