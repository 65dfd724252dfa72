//! Who can reach the server, and what they could do there.

use tidewire_server::TrustedProxies;

use super::Finding;
use crate::config::Config;

pub(super) fn public_without_tls(config: &Config) -> Option<Finding> {
    (!config.listen.ip().is_loopback() && !config.tls.is_given()).then(|| {
        Finding::warning(format!(
            "{} is a public address without TLS: what clients say can be read and changed on its way. Give --tls-cert and \
             --tls-key, or listen on a loopback address behind a proxy that has TLS",
            config.listen
        ))
    })
}

pub(super) fn origins_not_required(config: &Config) -> Option<Finding> {
    (!config.listen.ip().is_loopback() && !config.require_origin).then(|| {
        Finding::note("programs, which send no Origin, may use the server: --require-origin lets in pages alone")
    })
}

pub(super) fn proxies_not_trusted(config: &Config) -> Option<Finding> {
    (config.listen.ip().is_loopback() && config.settings().limits.trusted_proxies == TrustedProxies::default()).then(|| {
        Finding::note(
            "no --trusted-proxy: behind a proxy all clients count as one address, with the limits of one. Name the proxy's \
             address there, such as 127.0.0.1/32",
        )
    })
}
