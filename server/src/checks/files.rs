//! What the server needs from the system: files, and how many of them it may have open.

use super::Finding;
use crate::config::Config;

/// Beside connections: the listener, log, standard streams, files of the page.
const OTHER_DESCRIPTORS: u64 = 64;

/// Fewer connections than this are not what a server is started for.
const FEW_CONNECTIONS: u64 = 10_000;

pub(super) fn page_has_an_index(config: &Config) -> Option<Finding> {
    let www = config.www.as_ref()?;
    (!www.join("index.html").is_file()).then(|| {
        Finding::warning(format!(
            "--www {} has no index.html: / will be answered with 404",
            www.display()
        ))
    })
}

/// The server raises its own limit to the most that the system lets it have.
pub(super) fn descriptors_suffice(_: &Config) -> Option<Finding> {
    let (_, most) = rlimit::Resource::NOFILE.get().ok()?;
    (most < FEW_CONNECTIONS + OTHER_DESCRIPTORS).then(|| {
        Finding::warning(format!(
            "the system lets this process have {most} open files, one for each connection: raise the hard limit \
             (`ulimit -Hn`, LimitNOFILE= in a systemd unit)"
        ))
    })
}
