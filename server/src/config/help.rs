//! What the help says of limits.

use tidewire_server::{Settings, limits};

/// What the table of limits says of one.
pub(super) fn help(name: &str) -> String {
    let all = limits(&Settings::default());
    let limit = all.iter().find(|it| it.name == name);
    limit.map(|limit| limit.help()).unwrap_or_default()
}
