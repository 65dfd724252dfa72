//! Of which version a peer's library is: that of the lock file this program was built with.

/// The version of `package`; empty if it is not in the lock file.
pub(crate) fn of(package: &str) -> &'static str {
    let head = format!("name = \"{package}\"\nversion = \"");
    let after = LOCK.split_once(&head).map_or("", |(_, after)| after);
    after.split('"').next().unwrap_or_default()
}

const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert!(of("axum").starts_with("0.8."));
        assert_eq!(of("no-such-package"), "");
    }
}
