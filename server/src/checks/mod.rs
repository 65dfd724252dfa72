//! What is wrong or unsafe in the options: one small function for each thing, and the list of them.

mod access;
mod certificate;
mod drain;
mod exposure;
pub(crate) mod limits;
mod memory;
mod page;
mod secrets;

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

/// Of the same weight, what matters more comes first.
static CHECKS: &[Check] = &[
    access::keys_are_good,
    certificate::tls_is_usable,
    certificate::certificate_is_in_date,
    access::open_to_everybody,
    access::api_without_keys,
    exposure::public_without_tls,
    exposure::everybody_is_a_trusted_proxy,
    secrets::are_kept_from_others,
    access::tokens_live_long,
    limits::are_on,
    limits::descriptors_suffice,
    memory::bound_is_below_what_there_is,
    page::has_an_index,
    memory::is_bounded,
    exposure::origins_not_required,
    exposure::proxies_not_trusted,
    drain::ends_within_common_grace,
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
