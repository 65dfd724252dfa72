//! What may be offered as a subprotocol.

/// Whether a browser takes these as subprotocols: each a token, none twice.
///
/// The rule is [RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), point 10.
pub(crate) fn are_valid(names: &[String]) -> bool {
    names
        .iter()
        .enumerate()
        .all(|(index, name)| is_token(name) && !names[..index].contains(name))
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !SEPARATORS.contains(&byte))
}

/// The visible separators of [RFC 2616, 2.2](https://www.rfc-editor.org/rfc/rfc2616#section-2.2), to which RFC 6455 refers.
const SEPARATORS: &[u8] = br#"()<>@,;:\"/[]?={}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(names: &[&str]) -> bool {
        are_valid(&names.iter().map(|&name| name.into()).collect::<Vec<_>>())
    }

    #[test]
    fn tokens_are_valid_once_each() {
        assert!(valid(&[]));
        assert!(valid(&["tidewire.v1", "chat"]));
        assert!(!valid(&["chat", "chat"]));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for name in ["", "a b", "a,b", "a\tb", "é", "a/b", "\"a\"", "\u{7f}"] {
            assert!(!valid(&[name]), "{name:?}");
        }
    }
}
