//! The TLS certificate: whether it can be used, and for how long.

use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;

use super::Finding;
use crate::config::Config;

/// Who renews certificates does it earlier.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn tls_is_usable(config: &Config) -> Option<Finding> {
    let error = config.tls.open().err()?;
    Some(Finding::error(error.to_string()))
}

pub(super) fn certificate_is_in_date(config: &Config) -> Option<Finding> {
    let (from, until) = config.tls.open().ok()??.validity()?;
    in_date(from, until, SystemTime::now())
}

fn in_date(from: SystemTime, until: SystemTime, now: SystemTime) -> Option<Finding> {
    if now < from {
        let from = format_rfc3339_seconds(from);
        return Some(Finding::error(format!(
            "the TLS certificate is not valid before {from}"
        )));
    }
    let end = format_rfc3339_seconds(until);
    match until.duration_since(now) {
        Err(_) => Some(Finding::error(format!("the TLS certificate ended at {end}"))),
        Ok(left) if left < SOON => Some(Finding::warning(format!("the TLS certificate ends soon, at {end}"))),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Weight;

    #[test]
    fn a_certificate_is_good_between_its_ends_and_warned_of_before_the_last() {
        let at = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 24 * 3600);
        for (day, expected) in [
            (9, Some(Weight::Error)),
            (10, None),
            (93, None),
            (94, Some(Weight::Warning)),
            (100, Some(Weight::Warning)),
            (101, Some(Weight::Error)),
        ] {
            let found = in_date(at(10), at(100), at(day)).map(|finding| finding.weight);
            assert_eq!(found, expected, "day {day}");
        }
    }
}
