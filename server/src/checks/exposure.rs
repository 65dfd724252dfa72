//! Who can reach the server, and what they could do there.

use super::Finding;
use crate::config::Config;

pub(super) fn public_without_tls(config: &Config) -> Option<Finding> {
    (!config.listen.ip().is_loopback() && !config.tls.is_given()).then(|| {
        Finding::warning(format!(
            "no TLS: what is said at {} can be read and changed on its way. Give --tls-cert and --tls-key, or listen on a \
             loopback address behind a proxy that has TLS",
            config.listen
        ))
    })
}

pub(super) fn origins_not_required(config: &Config) -> Option<Finding> {
    (config.is_public() && !config.require_origin).then(|| {
        Finding::note("programs, which send no Origin, may use the server: --require-origin lets in pages alone")
    })
}

pub(super) fn everybody_is_a_trusted_proxy(config: &Config) -> Option<Finding> {
    let all = config
        .trusted_proxies()
        .iter()
        .find(|network| network.prefix_len() == 0)?;
    Some(Finding::warning(format!(
        "--trusted-proxy {all}: whoever connects is believed about its address, and so has no limits. Name the proxy's own"
    )))
}

pub(super) fn proxies_not_trusted(config: &Config) -> Option<Finding> {
    (config.listen.ip().is_loopback() && config.trusted_proxies().is_empty()).then(|| {
        Finding::note(
            "no --trusted-proxy: behind a proxy all clients count as one address. Name the proxy's, such as 127.0.0.1/32",
        )
    })
}
