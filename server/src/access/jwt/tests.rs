//! Tokens that are taken, and each way in which one is not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use tidewire_protocol::RoomName;

use super::*;
use crate::access::Right;

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const NOW: u64 = 1_700_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let said = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(said.as_bytes()));
    format!("{said}.{signature}")
}

fn by_secret(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |said| hmac::sign(&key, said).as_ref().to_vec()
}

/// A token with these claims in place of, or beside, good ones. `null` takes one out.
fn token(changes: Value) -> String {
    let mut claims = json!({ "sub": "ada", "exp": NOW + 60, "iat": NOW, "grants": { "team/*": ["subscribe"] } });
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            _ => claims[name] = value.clone(),
        }
    }
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, by_secret(SECRET))
}

fn jwt() -> Jwt {
    Jwt::new(JwtKeys::secret(SECRET).expect("a key"))
}

fn is_refused(jwt: &Jwt, token: &str) -> bool {
    matches!(jwt.read(token.as_bytes(), now()), Err(Fault::NotGood(_)))
}

/// A key of Ed25519: what signs, and the public part.
fn ed25519() -> (impl Fn(&[u8]) -> Vec<u8>, Vec<u8>) {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    (move |said: &[u8]| pair.sign(said).as_ref().to_vec(), public)
}

fn pem(public: &[u8]) -> String {
    use base64::engine::general_purpose::STANDARD;
    let prefix = [48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0];
    let body = STANDARD.encode([&prefix, public].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

#[test]
fn a_good_token_says_who_it_is_and_what_it_may_do() {
    let pass = jwt().read(token(json!({})).as_bytes(), now()).expect("a pass");
    let red = RoomName::new("team/red").expect("a name");
    assert_eq!(pass.subject().map(|it| it.as_str()), Some("ada"));
    assert_eq!(pass.lifetime(), Duration::from_secs(60));
    assert_eq!(pass.issued, Some(now()));
    assert!(pass.grants().allow(&red, Right::Subscribe));
    assert!(!pass.grants().allow(&red, Right::Publish));
}

#[test]
fn a_token_without_grants_may_do_nothing() {
    let pass = jwt().read(token(json!({ "grants": null })).as_bytes(), now());
    let lobby = RoomName::new("lobby").expect("a name");
    assert!(pass.is_ok_and(|pass| !pass.grants().allow(&lobby, Right::Subscribe)));
}

#[test]
fn a_token_is_good_until_it_expires_and_not_a_moment_longer() {
    let jwt = jwt();
    let expiring_at = |exp: f64| jwt.read(token(json!({ "exp": exp })).as_bytes(), now()).map(drop);
    assert_eq!(expiring_at(NOW as f64 + 0.5), Ok(()));
    assert_eq!(expiring_at(NOW as f64), Err(Fault::Expired));
    assert_eq!(expiring_at(NOW as f64 - 1.0), Err(Fault::Expired));
}

#[test]
fn claims_that_break_a_rule_are_refused() {
    let jwt = jwt();
    for changes in [
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": "x".repeat(65) }),
        json!({ "sub": "line\nbreak" }),
        json!({ "sub": 7 }),
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": NOW + 31 }),
        json!({ "nbf": "now" }),
        json!({ "iat": NOW + 31 }),
        json!({ "iat": [] }),
        json!({ "aud": "others" }),
        json!({ "grants": { "": ["subscribe"] } }),
        json!({ "grants": { "a": ["rule"] } }),
        json!({ "grants": { "a": "subscribe" } }),
        json!({ "grants": ["a"] }),
    ] {
        assert!(is_refused(&jwt, &token(changes.clone())), "{changes}");
    }
    for changes in [
        json!({ "sub": "x".repeat(64) }),
        json!({ "nbf": NOW + 30, "iat": NOW + 30 }),
        json!({ "iss": "x" }),
    ] {
        assert!(jwt.read(token(changes.clone()).as_bytes(), now()).is_ok(), "{changes}");
    }
}

#[test]
fn a_token_may_have_so_many_grants_and_not_one_more() {
    let grants = |count: usize| (0..count).map(|room| (room.to_string(), json!([]))).collect::<Value>();
    let jwt = jwt();
    assert!(!is_refused(&jwt, &token(json!({ "grants": grants(Jwt::MAX_GRANTS) }))));
    assert!(is_refused(
        &jwt,
        &token(json!({ "grants": grants(Jwt::MAX_GRANTS + 1) }))
    ));
}

#[test]
fn a_token_may_be_so_long_and_not_one_byte_longer() {
    let jwt = jwt();
    let fault = |token: &str| jwt.read(token.as_bytes(), now()).map(drop);
    // What is too long is not looked at any further.
    let too_long = Err(Fault::NotGood("it is too long"));
    assert_ne!(fault(&"x".repeat(Jwt::MAX_TOKEN_BYTES)), too_long);
    assert_eq!(fault(&"x".repeat(Jwt::MAX_TOKEN_BYTES + 1)), too_long);
}

#[test]
fn a_token_may_live_for_so_long_and_not_a_second_longer() {
    let jwt = jwt().max_life(Duration::from_secs(100));
    let born = NOW - 50;
    assert!(!is_refused(&jwt, &token(json!({ "iat": born, "exp": born + 100 }))));
    assert!(is_refused(&jwt, &token(json!({ "iat": born, "exp": born + 101 }))));
    assert!(!is_refused(&jwt, &token(json!({ "iat": null, "exp": NOW + 100 }))));
    assert!(is_refused(&jwt, &token(json!({ "iat": null, "exp": NOW + 101 }))));
}

#[test]
fn one_that_does_not_say_when_it_was_issued_may_be_as_old_as_any() {
    let pass = jwt()
        .read(token(json!({ "iat": null })).as_bytes(), now())
        .expect("a pass");
    assert_eq!(pass.issued, Some(UNIX_EPOCH));
}

#[test]
fn issuer_and_audience_must_be_there_where_they_are_asked_for() {
    let jwt = jwt().issuer("us").audience("chat");
    assert!(!is_refused(&jwt, &token(json!({ "iss": "us", "aud": "chat" }))));
    assert!(!is_refused(
        &jwt,
        &token(json!({ "iss": "us", "aud": ["mail", "chat"] }))
    ));
    for changes in [
        json!({ "aud": "chat" }),
        json!({ "iss": "us" }),
        json!({ "iss": "them", "aud": "chat" }),
        json!({ "iss": "us", "aud": "mail" }),
        json!({ "iss": 7, "aud": "chat" }),
    ] {
        assert!(is_refused(&jwt, &token(changes.clone())), "{changes}");
    }
}

#[test]
fn what_is_signed_otherwise_is_refused() {
    let jwt = jwt();
    let claims = json!({ "sub": "ada", "exp": NOW + 60 });
    let hs256 = json!({ "alg": "HS256" });
    let good = signed(&hs256, &claims, by_secret(SECRET));
    assert!(!is_refused(&jwt, &good));
    let with = |header: Value| signed(&header, &claims, by_secret(SECRET));
    let unsigned = signed(&json!({ "alg": "none" }), &claims, |_| Vec::new());
    let (body, _) = good.rsplit_once('.').expect("a signature");
    let forged = body.replace(&part(&claims), &part(&json!({ "sub": "bob", "exp": NOW + 60 })));
    let (_, signature) = good.rsplit_once('.').expect("a signature");
    for token in [
        signed(&hs256, &claims, by_secret(b"another secret, of thirty-two bytes")),
        format!("{body}."),
        body.to_owned(),
        format!("{forged}.{signature}"),
        format!("{good}x"),
        format!("{good}.x"),
        unsigned,
        with(json!({ "alg": "HS384" })),
        with(json!({ "alg": "EdDSA" })),
        with(json!({ "alg": "RS256" })),
        with(json!({ "typ": "JWT" })),
        with(json!({ "alg": "HS256", "crit": ["exp"] })),
        String::new(),
        "...".to_owned(),
        "é".to_owned(),
    ] {
        assert!(is_refused(&jwt, &token), "{token}");
    }
}

#[test]
fn clones_take_new_keys_and_the_old_ones_no_longer() {
    let (jwt, token) = (jwt(), token(json!({})));
    let clone = jwt.clone();
    assert!(jwt.read(token.as_bytes(), now()).is_ok());
    jwt.replace_keys(JwtKeys::secret(&[7; 32]).expect("a key"));
    assert!(is_refused(&jwt, &token) && is_refused(&clone, &token));
}

#[test]
fn a_public_key_is_no_secret_and_a_secret_no_public_key() {
    let (sign, public) = ed25519();
    let pem = pem(&public);
    let jwt = Jwt::new(JwtKeys::public_key(pem.as_bytes()).expect("a key"));
    let claims = json!({ "sub": "ada", "exp": NOW + 60 });
    assert!(!is_refused(&jwt, &signed(&json!({ "alg": "EdDSA" }), &claims, &sign)));
    assert!(is_refused(&jwt, &signed(&json!({ "alg": "HS256" }), &claims, &sign)));
    for secret in [&public, pem.as_bytes()] {
        for alg in ["HS256", "EdDSA"] {
            assert!(is_refused(
                &jwt,
                &signed(&json!({ "alg": alg }), &claims, by_secret(secret))
            ));
        }
    }
}

#[test]
fn a_key_of_a_set_is_chosen_by_its_name_and_used_for_its_algorithm() {
    let (sign, public) = ed25519();
    let keys = json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "kid": "one", "use": "sig", "x": URL_SAFE_NO_PAD.encode(&public) },
        { "kty": "oct", "kid": "two", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) },
        { "kty": "OKP", "crv": "X25519", "kid": "three", "x": URL_SAFE_NO_PAD.encode(&public) },
        { "kty": "oct", "kid": "four", "k": URL_SAFE_NO_PAD.encode(b"short") },
    ] });
    let jwt = Jwt::new(JwtKeys::jwks(keys.to_string().as_bytes()).expect("keys"));
    let claims = json!({ "sub": "ada", "exp": NOW + 60 });
    let header = |alg: &str, kid: Value| match kid {
        Value::Null => json!({ "alg": alg }),
        kid => json!({ "alg": alg, "kid": kid }),
    };
    assert!(!is_refused(
        &jwt,
        &signed(&header("EdDSA", json!("one")), &claims, &sign)
    ));
    assert!(!is_refused(
        &jwt,
        &signed(&header("HS256", json!("two")), &claims, by_secret(SECRET))
    ));
    for (alg, kid) in [
        ("EdDSA", json!("two")),
        ("EdDSA", json!("nobody")),
        ("EdDSA", Value::Null),
        ("HS256", json!("one")),
        ("HS256", json!("four")),
    ] {
        let by_key = signed(&header(alg, kid.clone()), &claims, &sign);
        let by_secret_of = |secret| signed(&header(alg, kid.clone()), &claims, by_secret(secret));
        for token in [by_key, by_secret_of(&public), by_secret_of(b"short")] {
            assert!(is_refused(&jwt, &token), "{alg} {kid}");
        }
    }
}

#[test]
fn what_is_no_key_is_refused_and_says_why() {
    assert_eq!(JwtKeys::secret(&SECRET[..31]).err(), Some(InvalidKey::ShortSecret));
    assert!(JwtKeys::secret(&SECRET[..32]).is_ok());
    let (_, public) = ed25519();
    for pem in [
        pem(&public[..31]),
        pem(&public).replace("PUBLIC", "PRIVATE"),
        String::new(),
    ] {
        assert_eq!(JwtKeys::public_key(pem.as_bytes()).err(), Some(InvalidKey::NotEd25519));
    }
    assert_eq!(JwtKeys::jwks(b"{}").err(), Some(InvalidKey::NotJwks));
    assert_eq!(JwtKeys::jwks(br#"{"keys":[]}"#).err(), Some(InvalidKey::NoKey));
}

#[test]
fn neither_a_key_nor_a_token_is_shown() {
    let shown = format!("{:?}", jwt());
    assert!(
        !shown.contains("secret") && !shown.contains(&format!("{:?}", &SECRET[..4])),
        "{shown}"
    );
}
