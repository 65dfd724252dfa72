//! What is wrong or unsafe in the options: one small function for each thing, and the list of them.

mod access;
mod certificate;
mod exposure;
mod limits;
mod page;

use std::fmt;

use crate::config::Config;

/// Something to say about the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) weight: Weight,
    /// A sentence or two, for who runs the server.
    pub(crate) text: String,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The server does not start.
    Error,
    /// It starts, and something in it is not safe, or will not go on working.
    Warning,
    /// Good to know.
    Note,
}

/// All that there is to say, the worst first.
pub(crate) fn findings(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<_> = CHECKS.iter().filter_map(|check| check(config)).collect();
    findings.sort_by_key(|finding| finding.weight);
    findings
}

type Check = fn(&Config) -> Option<Finding>;

static CHECKS: &[Check] = &[
    access::keys_are_good,
    access::open_to_everybody,
    access::api_without_keys,
    certificate::tls_is_usable,
    certificate::certificate_is_in_date,
    page::has_an_index,
    limits::descriptors_suffice,
    limits::are_on,
    exposure::public_without_tls,
    exposure::origins_not_required,
    exposure::proxies_not_trusted,
];

impl Finding {
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::new(Weight::Error, text)
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self::new(Weight::Warning, text)
    }

    pub(crate) fn note(text: impl Into<String>) -> Self {
        Self::new(Weight::Note, text)
    }

    fn new(weight: Weight, text: impl Into<String>) -> Self {
        Self {
            weight,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
            Weight::Note => "note",
        };
        write!(f, "{weight}: {}", self.text)
    }
}
