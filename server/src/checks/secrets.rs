//! Files that only the server should be able to read.

use std::{os::unix::fs::PermissionsExt, path::Path};

use super::Finding;
use crate::config::Config;

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;

pub(super) fn are_kept_from_others(config: &Config) -> Option<Finding> {
    let open: Vec<String> = config
        .access
        .secret_files()
        .chain(config.tls.secret_file())
        .filter(|path| is_open_to_others(path))
        .map(|path| path.display().to_string())
        .collect();
    (!open.is_empty()).then(|| {
        let files = open.join(", ");
        Finding::warning(format!(
            "every user of this machine can get at {files}: chmod o= takes that away"
        ))
    })
}

/// Whether others may read it, or change it. One that cannot be looked at is told of elsewhere.
fn is_open_to_others(path: &Path) -> bool {
    let metadata = path.metadata();
    metadata.is_ok_and(|it| it.permissions().mode() & (OTHERS_READ | OTHERS_WRITE) != 0)
}
