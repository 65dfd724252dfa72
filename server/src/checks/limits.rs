//! Limits that are off, and those that the system does not let the server have.

use tidewire_server::Limits;

use super::Finding;
use crate::config::Config;

/// Beside connections: the listener, log, standard streams, files of the page.
const OTHER_DESCRIPTORS: usize = 64;

/// By default there may be as many connections as the system lets there be, where those are fewer. The server raises its own limit to
/// the most that it is let have.
pub(crate) fn fit(config: &mut Config) -> Option<Finding> {
    let most = descriptors()?;
    let fits = most.saturating_sub(OTHER_DESCRIPTORS).max(1);
    let default = Limits::default().max_connections.filter(|max| *max > fits)?;
    if config.settings().limits.max_connections != Some(default) {
        return None;
    }
    config.set_max_connections(fits);
    Some(Finding::note(format!(
        "--max-connections is {fits} here, and not {default}: the system lets this process have {most} open files. A higher hard \
         limit (ulimit -Hn, or LimitNOFILE= in a systemd unit) lets more connect"
    )))
}

pub(super) fn descriptors_suffice(config: &Config) -> Option<Finding> {
    let max = config.settings().limits.max_connections?;
    too_few(max.saturating_add(OTHER_DESCRIPTORS), descriptors()?)
}

fn descriptors() -> Option<usize> {
    let (_, most) = rlimit::Resource::NOFILE.get().ok()?;
    Some(usize::try_from(most).unwrap_or(usize::MAX))
}

fn too_few(wanted: usize, most: usize) -> Option<Finding> {
    (most < wanted).then(|| {
        Finding::warning(format!(
            "--max-connections needs {wanted} open files, and the system lets this process have {most}: raise the hard limit \
             (ulimit -Hn, or LimitNOFILE= in a systemd unit) or lower --max-connections"
        ))
    })
}

pub(super) fn are_on(config: &Config) -> Option<Finding> {
    let limits = config.settings().limits;
    let off: Vec<&str> = [
        ("--max-connections", limits.max_connections.is_none()),
        (
            "--max-connections-per-address",
            limits.max_connections_per_address.is_none(),
        ),
        ("--max-sessions-per-address", limits.max_sessions_per_address.is_none()),
        ("--handshakes", limits.handshakes.is_none()),
        ("--new-rooms", limits.new_rooms.is_none()),
        ("--max-members", limits.max_members.is_none()),
        ("--session-messages", limits.session_messages.is_none()),
        ("--session-bytes", limits.session_bytes.is_none()),
        ("--address-messages", limits.address_messages.is_none()),
        ("--address-bytes", limits.address_bytes.is_none()),
    ]
    .into_iter()
    .filter_map(|(option, is_off)| is_off.then_some(option))
    .collect();
    (!off.is_empty()).then(|| {
        Finding::warning(format!(
            "off, so that one client can take from all others what there is: {}",
            off.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_needs_a_descriptor() {
        assert_eq!(too_few(1064, 1064), None);
        let finding = too_few(1064, 1063).expect("a finding");
        assert!(
            finding.text.contains("1064") && finding.text.contains("1063"),
            "{finding}"
        );
    }
}
