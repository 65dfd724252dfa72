//! Who may do what: keys that can be read, and doors that stand open.

use std::time::Duration;

use humantime::format_duration;

use super::Finding;
use crate::config::Config;

/// A token that lives longer is good for too long in other hands.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn keys_are_good(config: &Config) -> Option<Finding> {
    config.tidewire().err().map(|error| Finding::error(error.to_string()))
}

pub(super) fn open_to_everybody(config: &Config) -> Option<Finding> {
    if config.access.asks_for_tokens() || !config.is_public() {
        return None;
    }
    let address = config.listen;
    Some(match (address.ip().is_loopback(), config.access.insecure_public) {
        (true, _) => Finding::warning(
            "--auth none: whoever reaches the proxy may publish and read everything. Ask for tokens (--auth jwt)",
        ),
        (false, true) => Finding::warning(format!(
            "--insecure-public: whoever reaches {address} may publish and read everything"
        )),
        (false, false) => Finding::error(format!(
            "with --auth none whoever reaches {address} could publish and read everything. Ask for tokens (--auth jwt), \
             listen on a loopback address, or say --insecure-public"
        )),
    })
}

pub(super) fn api_without_keys(config: &Config) -> Option<Finding> {
    if config.access.api_key_file.is_some() {
        return None;
    }
    match config.access.asks_for_tokens() {
        true => Some(Finding::note("without --api-key-file nobody may use /api or /metrics")),
        false => config.is_public().then(|| {
            Finding::warning(
                "without --api-key-file everybody may publish over /api, end sessions and the server, and read /metrics",
            )
        }),
    }
}

pub(super) fn tokens_live_long(config: &Config) -> Option<Finding> {
    let life = config.settings().max_token_life;
    (config.access.asks_for_tokens() && life > LONG).then(|| {
        Finding::warning(format!(
            "--max-token-life {}: so long is a stolen token good for, and has the server to remember what was revoked. Clients \
             renew tokens by themselves, so that an hour does",
            format_duration(life)
        ))
    })
}
