//! Addresses of WebSocket endpoints: what the page offers, and what a person typed.

use std::fmt;

/// Where the page came from: the server that its endpoints are looked for at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whether the page was loaded over TLS, so that the browser lets it open only `wss:`.
    pub(crate) secure: bool,
    /// Name and port, as in `127.0.0.1:8080`.
    pub(crate) host: String,
}

impl Origin {
    /// The address of a path at this origin.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "wss" } else { "ws" }, self.host)
    }
}

/// An endpoint that the page knows by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Sends every message straight back.
    Echo,
    /// Tells every other client what one says.
    Chat,
    /// Any other: the page knows nothing about its answers.
    #[default]
    Other,
}

impl Endpoint {
    /// The path, which is also what the choice is called; empty for any other.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Echo => "/echo",
            Self::Chat => "/chat",
            Self::Other => "",
        }
    }

    /// The endpoint that an address names, whatever its host.
    pub(crate) fn of(address: &str) -> Self {
        let path = path_of(address);
        [Self::Echo, Self::Chat]
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
            .unwrap_or_default()
    }

    /// The same server's address of this endpoint, or the page's own server's when `address` names none.
    pub(crate) fn at(self, address: &str, origin: &Origin) -> String {
        let path = match self {
            Self::Other => "/",
            named => named.path(),
        };
        match check(address, origin) {
            Ok(full) => {
                let server = full.len() - after_host(&full).len();
                format!("{}{path}", &full[..server])
            }
            Err(_) => origin.address(path),
        }
    }
}

/// Why what was typed is not the address of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// Nothing was typed.
    Empty,
    /// It does not begin with `ws://` or `wss://`. The text is a better address to try.
    Scheme(String),
    /// No host follows the scheme.
    Host,
    /// There is white space in it.
    Space,
    /// There is a `#` in it: a WebSocket address has no fragment.
    Fragment,
    /// The browser does not take it, for a reason that it keeps to itself.
    Browser,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("It is empty. Choose an endpoint, or type one such as ws://127.0.0.1:8080/echo.")
            }
            Self::Scheme(better) => write!(f, "It must begin with ws:// or wss://. Did you mean {better} ?"),
            Self::Host => f.write_str("The name of a host must follow ws:// or wss://."),
            Self::Space => f.write_str("It has white space in it."),
            Self::Fragment => f.write_str("The address of a WebSocket must not have a # in it."),
            Self::Browser => f.write_str("The browser cannot read it. Look at the port and at special characters."),
        }
    }
}

/// The full address for what was typed: an address with its scheme, or a path at the page's own server.
///
/// # Errors
/// [`AddressError`] for what no browser would open; the browser itself may still refuse what is returned.
pub(crate) fn check(typed: &str, origin: &Origin) -> Result<String, AddressError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(AddressError::Empty);
    }
    if typed.contains(char::is_whitespace) {
        return Err(AddressError::Space);
    }
    if typed.contains('#') {
        return Err(AddressError::Fragment);
    }
    if typed.starts_with('/') && !typed.starts_with("//") {
        return Ok(origin.address(typed));
    }
    match typed
        .split_once("://")
        .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest))
    {
        Some((scheme, rest)) if scheme == "ws" || scheme == "wss" => match rest.chars().next() {
            None | Some('/' | '?' | ':') => Err(AddressError::Host),
            Some(_) => Ok(format!("{scheme}://{rest}")),
        },
        Some((scheme, rest)) if scheme == "https" => Err(AddressError::Scheme(format!("wss://{rest}"))),
        Some((_, rest)) => Err(AddressError::Scheme(format!("ws://{rest}"))),
        None => Err(AddressError::Scheme(format!("ws://{}", typed.trim_start_matches('/')))),
    }
}

/// What follows the host and port: path and query.
fn after_host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("", |start| &rest[start..])
}

fn path_of(address: &str) -> &str {
    let path = after_host(address.trim());
    path.split_once('?').map_or(path, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Origin {
        Origin {
            secure: false,
            host: "127.0.0.1:8080".into(),
        }
    }

    #[test]
    fn the_pages_own_server_is_spoken_to_as_securely_as_the_page_came() {
        let secure = Origin { secure: true, ..page() };
        assert_eq!(page().address("/echo"), "ws://127.0.0.1:8080/echo");
        assert_eq!(secure.address("/chat"), "wss://127.0.0.1:8080/chat");
    }

    #[test]
    fn a_full_address_or_a_path_is_taken() {
        for (typed, full) in [
            ("ws://localhost:9000/x?y=1", "ws://localhost:9000/x?y=1"),
            ("  WSS://example.org ", "wss://example.org"),
            ("/chat", "ws://127.0.0.1:8080/chat"),
        ] {
            assert_eq!(check(typed, &page()).as_deref(), Ok(full));
        }
    }

    #[test]
    fn a_bad_address_is_told_from_a_good_one_with_its_reason() {
        for (typed, error) in [
            (" ", AddressError::Empty),
            (
                "localhost:8080/echo",
                AddressError::Scheme("ws://localhost:8080/echo".into()),
            ),
            (
                "http://localhost/echo",
                AddressError::Scheme("ws://localhost/echo".into()),
            ),
            (
                "https://localhost/echo",
                AddressError::Scheme("wss://localhost/echo".into()),
            ),
            ("//localhost/echo", AddressError::Scheme("ws://localhost/echo".into())),
            ("ws://", AddressError::Host),
            ("ws:///echo", AddressError::Host),
            ("ws://local host/", AddressError::Space),
            ("ws://localhost/#top", AddressError::Fragment),
        ] {
            assert_eq!(check(typed, &page()), Err(error), "{typed}");
        }
    }

    #[test]
    fn the_endpoint_is_read_from_the_path_of_any_host() {
        for (address, endpoint) in [
            ("ws://127.0.0.1:8080/echo", Endpoint::Echo),
            ("wss://example.org/chat?token=1", Endpoint::Chat),
            ("/echo", Endpoint::Echo),
            ("ws://example.org", Endpoint::Other),
            ("ws://example.org/echoes", Endpoint::Other),
            ("", Endpoint::Other),
        ] {
            assert_eq!(Endpoint::of(address), endpoint, "{address}");
        }
    }

    #[test]
    fn choosing_an_endpoint_keeps_the_host_that_was_typed() {
        assert_eq!(
            Endpoint::Chat.at("wss://example.org/echo?a=b", &page()),
            "wss://example.org/chat"
        );
        assert_eq!(Endpoint::Echo.at("ws://example.org", &page()), "ws://example.org/echo");
        assert_eq!(
            Endpoint::Other.at("ws://example.org/echo", &page()),
            "ws://example.org/"
        );
    }

    #[test]
    fn choosing_an_endpoint_mends_a_bad_address() {
        assert_eq!(Endpoint::Chat.at("nonsense", &page()), "ws://127.0.0.1:8080/chat");
    }
}
