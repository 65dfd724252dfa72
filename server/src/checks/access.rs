//! Who may do what: keys that can be read, and doors that stand open.

use super::Finding;
use crate::config::Config;

pub(super) fn keys_are_good(config: &Config) -> Option<Finding> {
    config.tidewire().err().map(|error| Finding::error(error.to_string()))
}

pub(super) fn open_to_everybody(config: &Config) -> Option<Finding> {
    let address = config.listen;
    if address.ip().is_loopback() || config.access.asks_for_tokens() {
        return None;
    }
    Some(match config.access.insecure_public {
        true => Finding::warning(format!(
            "--insecure-public: whoever reaches {address} may publish and read everything"
        )),
        false => Finding::error(format!(
            "with --auth none whoever reaches {address} could publish and read everything, so that the server does not listen \
             there. Ask for tokens (--auth jwt), listen on a loopback address, or say --insecure-public"
        )),
    })
}

pub(super) fn api_without_keys(config: &Config) -> Option<Finding> {
    let has_keys = config.access.api_key_file.is_some();
    match (config.access.asks_for_tokens(), has_keys) {
        (true, false) => Some(Finding::note("without --api-key-file nobody may use /api or /metrics")),
        (false, false) if !config.listen.ip().is_loopback() => Some(Finding::warning(
            "without --api-key-file whoever reaches the server may publish over /api, and end sessions",
        )),
        _ => None,
    }
}
