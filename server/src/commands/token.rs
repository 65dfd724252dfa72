//! `tidewire token`: a token to try things with.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use ring::hmac;
use serde_json::{Map, Value, json};
use tidewire_server::{JwtKeys, MemberId, Pattern, Right};

use crate::config::access::read_secret;

/// What it is to say.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// File with the secret that it is signed with by HS256, as the server reads it
    #[arg(long, env = "TIDEWIRE_JWT_SECRET_FILE", value_name = "FILE")]
    jwt_secret_file: PathBuf,

    /// Subject: who shows it is this member
    #[arg(long, value_name = "NAME")]
    sub: String,

    /// What it grants in the rooms of a pattern: `team/**=subscribe,publish,signal,presence,history`; may be given several times
    #[arg(long, value_name = "PATTERN=RIGHTS")]
    grant: Vec<Grant>,

    /// Time for which it is good
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    expires_in: Duration,

    /// Issuer (iss)
    #[arg(long, env = "TIDEWIRE_JWT_ISSUER", value_name = "NAME")]
    jwt_issuer: Option<String>,

    /// Audience (aud)
    #[arg(long, env = "TIDEWIRE_JWT_AUDIENCE", value_name = "NAME")]
    jwt_audience: Option<String>,
}

#[derive(Clone, Debug)]
struct Grant {
    rooms: String,
    rights: Vec<String>,
}

/// Prints it.
pub(crate) fn run(token: &Token) -> ExitCode {
    match sign(token).and_then(|token| writeln!(io::stdout(), "{token}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidewire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn sign(token: &Token) -> io::Result<String> {
    let wrong = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
    let secret = read_secret(&token.jwt_secret_file)?;
    JwtKeys::secret(&secret).map_err(|error| wrong(error.to_string()))?;
    MemberId::new(&token.sub).map_err(|_| wrong("--sub: a member's name has 1 to 64 bytes of text".to_owned()))?;
    let parts = [json!({ "alg": "HS256", "typ": "JWT" }), claims(token)];
    let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let said = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), said.as_bytes());
    Ok(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn claims(token: &Token) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut grants: Map<String, Value> = Map::new();
    for Grant { rooms, rights } in &token.grant {
        grants.insert(rooms.clone(), json!(rights));
    }
    let mut claims = json!({
        "sub": token.sub,
        "iat": now.as_secs(),
        "exp": now.saturating_add(token.expires_in).as_secs(),
        "grants": grants,
    });
    for (name, value) in [("iss", &token.jwt_issuer), ("aud", &token.jwt_audience)] {
        if let Some(value) = value {
            claims[name] = json!(value);
        }
    }
    claims
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What is granted has no `=`, and a room may have.
        let (rooms, rights) = text.rsplit_once('=').ok_or("PATTERN=RIGHTS is expected")?;
        rooms.parse::<Pattern>().map_err(|error| error.to_string())?;
        let rights: Vec<String> = rights.split(',').map(|right| right.trim().to_owned()).collect();
        for right in &rights {
            serde_json::from_value::<Right>(json!(right))
                .map_err(|_| format!("{right:?} is not subscribe, publish, signal, presence or history"))?;
        }
        Ok(Self {
            rooms: rooms.to_owned(),
            rights,
        })
    }
}
