//! The files of the page.

use super::Finding;
use crate::config::Config;

pub(super) fn has_an_index(config: &Config) -> Option<Finding> {
    let www = config.www.as_ref()?;
    (!www.join("index.html").is_file()).then(|| {
        Finding::warning(format!(
            "--www {} has no index.html: / will be answered with 404",
            www.display()
        ))
    })
}
