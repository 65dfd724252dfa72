//! How long the server takes to end, and how long it is given.

use std::time::Duration;

use humantime::format_duration;

use super::Finding;
use crate::config::Config;

/// What Kubernetes gives by itself, and the systemd unit of `docs/deploy`.
const GRACE: Duration = Duration::from_secs(30);

pub(super) fn ends_within_common_grace(config: &Config) -> Option<Finding> {
    let settings = config.settings();
    let end = settings.drain + 2 * settings.close_timeout;
    (end > GRACE).then(|| {
        Finding::note(format!(
            "the end takes up to {} (--drain, and twice --close-timeout): whoever stops the server must wait for so long. By itself \
             Docker waits 10s, Kubernetes 30s, systemd 90s",
            format_duration(end)
        ))
    })
}
