//! Any bytes as a token, and as the header and claims of one that is signed well: none is taken for longer than it may live.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use ring::hmac;
use tidewire_server::{Jwt, JwtKeys};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

static JWT: LazyLock<Jwt> = LazyLock::new(|| Jwt::new(JwtKeys::secret(SECRET).expect("a long secret")));

fuzz_target!(|input: (Option<&[u8]>, &[u8])| {
    let (header, claims) = input;
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert!(JWT.check(claims, now).is_err(), "nobody has signed it");
    let header = header.unwrap_or(br#"{"alg":"HS256"}"#);
    let said = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), said.as_bytes());
    let token = format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature));
    if JWT.check(token.as_bytes(), now).is_ok() {
        assert!(token.len() <= Jwt::MAX_TOKEN_BYTES);
        let later: SystemTime = now + Duration::from_secs(2 * 24 * 3600);
        assert!(JWT.check(token.as_bytes(), later).is_err(), "it must have expired by then");
    }
});
