//! JSON Web Tokens, made by hand, and the servers that take them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};
use tidewire_server::{Jwt, JwtKeys, Settings, Tidewire};

use crate::Server;

/// What tokens are signed with.
pub const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

/// A server that asks for tokens which are signed with [`SECRET`].
#[must_use]
pub fn server(change: impl FnOnce(&mut Settings)) -> Server {
    let mut settings = Settings::default();
    change(&mut settings);
    Server::serve(Tidewire::builder().settings(settings).access(jwt()).build())
}

/// Takes tokens which are signed with [`SECRET`].
///
/// # Panics
///
/// Never: the secret is long enough.
#[must_use]
pub fn jwt() -> Jwt {
    Jwt::new(JwtKeys::secret(SECRET).expect("a long secret"))
}

/// The token of a subject, issued now and good for an hour: `grants` are its claim of that name.
#[must_use]
pub fn token(subject: &str, grants: &Value) -> Vec<u8> {
    let now = now();
    sign(&json!({ "sub": subject, "iat": now, "exp": now + 3600, "grants": grants }))
}

/// A token with these claims.
#[must_use]
pub fn sign(claims: &Value) -> Vec<u8> {
    let [header, claims] = [&json!({ "alg": "HS256" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let said = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), said.as_bytes());
    format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)).into_bytes()
}

/// All that can be granted.
#[must_use]
pub fn all() -> Value {
    json!(["subscribe", "publish", "signal", "presence", "history"])
}

/// The time, in whole seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}
