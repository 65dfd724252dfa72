//! The keys that tokens are signed with. Each is for one algorithm, whatever a token says of itself.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

/// The keys that tokens are signed with. Cloning them is cheap. Their `Debug` form shows none of them.
#[derive(Clone)]
pub struct JwtKeys(Arc<[Key]>);

/// Why something is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// A secret has fewer than [`JwtKeys::MIN_SECRET_BYTES`].
    ShortSecret,
    /// It is not the public key of Ed25519 in PEM: `-----BEGIN PUBLIC KEY-----`.
    NotEd25519,
    /// It is not a JSON Web Key Set.
    NotJwks,
    /// The set has no key for HS256, EdDSA, ES256 or RS256.
    NoKey,
}

#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl JwtKeys {
    /// The least that a secret must have: as many bytes as what is signed by it
    /// ([RFC 7518 section 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub const MIN_SECRET_BYTES: usize = 32;

    /// A secret, for HS256.
    ///
    /// # Errors
    ///
    /// When it is too short.
    pub fn secret(secret: &[u8]) -> Result<Self, InvalidKey> {
        if secret.len() < Self::MIN_SECRET_BYTES {
            return Err(InvalidKey::ShortSecret);
        }
        Ok(Self::one(Algorithm::HS256, DecodingKey::from_secret(secret)))
    }

    /// A public key of Ed25519 in PEM, for EdDSA.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn public_key(pem: &[u8]) -> Result<Self, InvalidKey> {
        let der = der(pem).ok_or(InvalidKey::NotEd25519)?;
        match der.strip_prefix(ED25519_PREFIX) {
            Some(key) if key.len() == ED25519_BYTES => Ok(Self::one(Algorithm::EdDSA, DecodingKey::from_ed_der(key))),
            _ => Err(InvalidKey::NotEd25519),
        }
    }

    /// A JSON Web Key Set ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517#section-5)). A token says by its `kid` which key it
    /// is signed with, unless there is only one. Keys that are for something else are passed over.
    ///
    /// # Errors
    ///
    /// When it is none, or has no key that can be used.
    pub fn jwks(json: &[u8]) -> Result<Self, InvalidKey> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| InvalidKey::NotJwks)?;
        let keys: Arc<[Key]> = set.keys.iter().filter_map(Key::of).collect();
        match keys.is_empty() {
            true => Err(InvalidKey::NoKey),
            false => Ok(Self(keys)),
        }
    }

    fn one(algorithm: Algorithm, key: DecodingKey) -> Self {
        Self(Arc::new([Key {
            id: None,
            algorithm,
            key,
        }]))
    }

    /// The key that a token must be signed with.
    pub(super) fn find(&self, header: &Header) -> Option<&Key> {
        match (&self.0[..], &header.kid) {
            ([key], None) => Some(key),
            ([key], Some(_)) if key.id.is_none() => Some(key),
            (keys, Some(id)) => keys.iter().find(|key| key.id.as_ref() == Some(id)),
            _ => None,
        }
    }
}

impl Key {
    /// What is to be used of a set; nothing where it is for another use.
    fn of(jwk: &Jwk) -> Option<Self> {
        if !matches!(&jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            _ => return None,
        };
        if jwk
            .common
            .key_algorithm
            .is_some_and(|it| it != KeyAlgorithm::from(algorithm))
        {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        let is_long_enough = match (algorithm, key.try_get_as_bytes()) {
            (Algorithm::HS256, Ok(bytes)) => bytes.len() >= JwtKeys::MIN_SECRET_BYTES,
            (Algorithm::EdDSA, Ok(bytes)) => bytes.len() == ED25519_BYTES,
            _ => true,
        };
        is_long_enough.then_some(Self {
            id: jwk.common.key_id.clone(),
            algorithm,
            key,
        })
    }
}

/// What is in a PEM file ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)) of one public key.
fn der(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// How the public key of Ed25519 begins in DER ([RFC 8410 section 4](https://www.rfc-editor.org/rfc/rfc8410#section-4)); the key
/// follows.
const ED25519_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

const ED25519_BYTES: usize = 32;

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.iter().map(|key| (key.algorithm, &key.id));
        f.debug_list().entries(kinds).finish()
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortSecret => write!(f, "a secret must have at least {} bytes", JwtKeys::MIN_SECRET_BYTES),
            Self::NotEd25519 => f.write_str("this is not a public key of Ed25519 in PEM"),
            Self::NotJwks => f.write_str("this is not a JSON Web Key Set"),
            Self::NoKey => f.write_str("the set has no key for HS256, EdDSA, ES256 or RS256"),
        }
    }
}

impl std::error::Error for InvalidKey {}
