//! The keys of other programs.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The keys with which other programs may use `/api` and `/metrics`. Nobody can tell them from its `Debug` form, nor from the time
/// that it takes to find that one is wrong. Clones are the same keys, also when these are [replaced](Self::replace) while a server
/// runs.
#[derive(Clone)]
pub struct ApiKeys(Arc<RwLock<Needed>>);

/// One of which is needed, or none.
type Needed = Option<Vec<Hash>>;

/// A line is not a key: it has fewer than [`ApiKeys::MIN_CHARACTERS`], or others than visible ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidApiKey {
    /// The line, from 1.
    pub line: usize,
}

type Hash = [u8; 32];

impl ApiKeys {
    /// The least that a key must have.
    pub const MIN_CHARACTERS: usize = 32;

    /// No key: nobody may use it.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Some(Vec::new()))
    }

    /// No key is needed: everybody may use it.
    #[must_use]
    pub fn unneeded() -> Self {
        Self::of(None)
    }

    fn of(keys: Needed) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// A key on each line; what begins with `#`, and lines without anything, is passed over.
    ///
    /// # Errors
    ///
    /// When a line is no key.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let hashes = keys.map(|(index, key)| {
            let is_good = key.len() >= Self::MIN_CHARACTERS && key.bytes().all(|byte| byte.is_ascii_graphic());
            is_good.then(|| hash(key)).ok_or(InvalidApiKey { line: index + 1 })
        });
        hashes.collect::<Result<_, _>>().map(Some).map(Self::of)
    }

    /// From now on these are the keys, and the old ones are no longer.
    pub fn replace(&self, keys: &Self) {
        let keys = keys.read().clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn read(&self) -> RwLockReadGuard<'_, Needed> {
        // No code that can panic runs under the lock.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one is needed.
    pub(super) fn are_needed(&self) -> bool {
        self.read().is_some()
    }

    /// Whether a request shows one of them, if one is needed: `Authorization: Bearer KEY`.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let shown = hash(shown(headers).unwrap_or_default());
        let keys = self.read();
        let Some(keys) = &*keys else { return true };
        // Each is looked at, whether one was found before or not.
        let found = keys.iter().map(|key| key.ct_eq(&shown));
        found.fold(Choice::from(0), |any, one| any | one).into()
    }
}

fn hash(key: &str) -> Hash {
    Sha256::digest(key).into()
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.read() {
            Some(keys) => write!(f, "ApiKeys({})", keys.len()),
            None => f.write_str("ApiKeys(unneeded)"),
        }
    }
}

impl fmt::Display for InvalidApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = ApiKeys::MIN_CHARACTERS;
        write!(
            f,
            "line {}: a key has at least {least} visible ASCII characters",
            self.line
        )
    }
}

impl std::error::Error for InvalidApiKey {}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "fedcba9876543210fedcba9876543210";

    fn allow(keys: &ApiKeys, value: &str) -> bool {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().expect("a value"))]);
        keys.allow(&headers)
    }

    #[test]
    fn any_of_the_keys_is_good_and_nothing_else() {
        let keys = ApiKeys::parse(&format!("# for the shop\n{ONE}\n\n  {TWO}  \n")).expect("keys");
        for good in [ONE, TWO] {
            assert!(allow(&keys, &format!("Bearer {good}")));
            assert!(allow(&keys, &format!("bearer  {good} ")));
            assert!(!allow(&keys, &format!("Basic {good}")));
            assert!(!allow(&keys, good));
            assert!(!allow(&keys, &format!("Bearer {good}x")));
            assert!(!allow(&keys, &format!("Bearer {}", &good[1..])));
        }
        assert!(!allow(&keys, "Bearer "));
        assert!(!keys.allow(&HeaderMap::new()));
        assert!(!allow(&ApiKeys::none(), &format!("Bearer {ONE}")));
        assert!(ApiKeys::unneeded().allow(&HeaderMap::new()));
    }

    #[test]
    fn a_key_has_so_many_characters_and_not_one_less() {
        assert!(ApiKeys::parse(ONE).is_ok());
        let short = ApiKeys::parse(&format!("{ONE}\n{}", &ONE[1..]));
        assert_eq!(short.err(), Some(InvalidApiKey { line: 2 }));
        let spaced = ApiKeys::parse(&format!("# one\n{ONE} {TWO}"));
        assert_eq!(spaced.err(), Some(InvalidApiKey { line: 2 }));
    }

    #[test]
    fn clones_take_new_keys_and_the_old_ones_no_longer() {
        let keys = ApiKeys::parse(ONE).expect("a key");
        let clone = keys.clone();
        keys.replace(&ApiKeys::parse(TWO).expect("a key"));
        assert!(!allow(&clone, &format!("Bearer {ONE}")) && allow(&clone, &format!("Bearer {TWO}")));
    }

    #[test]
    fn no_key_is_shown() {
        let keys = ApiKeys::parse(ONE).expect("a key");
        assert_eq!(format!("{keys:?}"), "ApiKeys(1)");
    }
}
