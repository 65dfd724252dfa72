//! Which pages may use the server: [RFC 6454](https://www.rfc-editor.org/rfc/rfc6454), and what keeps a page of somebody
//! else's from speaking for a visitor (cross-site WebSocket hijacking).

use std::{fmt, str::FromStr};

use http::{
    HeaderValue, Uri,
    header::{HOST, ORIGIN},
    uri::{Authority, Scheme},
};

use crate::peer::{Peer, Spoken};

/// Which pages may use a server. A request without an `Origin` comes from a program and not from a page.
///
/// ```
/// use tidewire_server::Origins;
///
/// let origins = Origins::own()
///     .and("https://app.example.org".parse()?)
///     .and("https://*.example.com".parse()?);
/// # Ok::<(), tidewire_server::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    others: Others,
    is_required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Others {
    Only(Vec<AllowedOrigin>),
    All,
}

/// An origin that may use a server beside its own, or all of a domain's.
///
/// `https://app.example.org`, `http://localhost:8081`; `https://*.example.org` is every name below `example.org`, but not
/// that itself. The port is the scheme's own where none is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin {
    scheme: Scheme,
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Is(String),
    /// With the dot before it.
    EndsWith(String),
}

/// This is not an origin: `SCHEME://HOST`, `SCHEME://HOST:PORT` or `SCHEME://*.DOMAIN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

/// Who a request comes from, as far as its head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller<'a> {
    /// A program.
    Program,
    /// A page of the server's own origin.
    Own,
    /// A page of another origin that is allowed: this one.
    Allowed(&'a HeaderValue),
}

/// The page that a request comes from may not use the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForeignOrigin;

impl Origins {
    /// The server's own pages alone: those whose origin has the host and port of the request, and its scheme, where the server
    /// speaks TLS itself or a trusted proxy says that it does. Programs may too.
    #[must_use]
    pub const fn own() -> Self {
        Self {
            others: Others::Only(Vec::new()),
            is_required: false,
        }
    }

    /// All pages, whoever they are from. Then whatever a visitor of any of them may do here, that page may do too.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            others: Others::All,
            is_required: false,
        }
    }

    /// Those, and another.
    #[must_use]
    pub fn and(mut self, origin: AllowedOrigin) -> Self {
        if let Others::Only(allowed) = &mut self.others {
            allowed.push(origin);
        }
        self
    }

    /// Pages alone: a request without an `Origin` is refused.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Says who a request comes from, unless it comes from who may not make it.
    pub(crate) fn check<'a>(&self, peer: &'a Peer) -> Result<Caller<'a>, ForeignOrigin> {
        let mut origins = peer.headers.get_all(ORIGIN).iter();
        let value = match (origins.next(), origins.next()) {
            (None, _) if self.is_required => return Err(ForeignOrigin),
            (None, _) => return Ok(Caller::Program),
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Err(ForeignOrigin),
        };
        let origin = value.to_str().ok().and_then(|text| Origin::new(text).ok());
        if let (Some(origin), Some(host)) = (&origin, peer.headers.get(HOST))
            && origin.is_at(host, peer.tls)
        {
            return Ok(Caller::Own);
        }
        match (&self.others, origin) {
            (Others::All, _) => Ok(Caller::Allowed(value)),
            (Others::Only(allowed), Some(origin)) if allowed.iter().any(|it| it.matches(&origin)) => {
                Ok(Caller::Allowed(value))
            }
            _ => Err(ForeignOrigin),
        }
    }
}

/// [`Origins::own`].
impl Default for Origins {
    fn default() -> Self {
        Self::own()
    }
}

impl AllowedOrigin {
    fn matches(&self, origin: &Origin) -> bool {
        let is_host = match &self.host {
            Host::Is(name) => origin.host == *name,
            Host::EndsWith(end) => origin.host.len() > end.len() && origin.host.ends_with(end.as_str()),
        };
        is_host && self.scheme == origin.scheme && self.port == origin.port
    }
}

impl FromStr for AllowedOrigin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let Origin { scheme, host, port } = Origin::new(text)?;
        let host = match host.strip_prefix('*') {
            None => Host::Is(host),
            Some(end) if end.len() > 1 && end.starts_with('.') => Host::EndsWith(end.to_owned()),
            Some(_) => return Err(InvalidOrigin),
        };
        if matches!(&host, Host::Is(name) | Host::EndsWith(name) if name.contains('*')) {
            return Err(InvalidOrigin);
        }
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin: use SCHEME://HOST, SCHEME://HOST:PORT or SCHEME://*.DOMAIN")
    }
}

impl std::error::Error for InvalidOrigin {}

/// An origin's parts, in lower case. No port is the scheme's own.
#[derive(Debug)]
struct Origin {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn new(text: &str) -> Result<Self, InvalidOrigin> {
        // An address with a path is not an origin, and `Uri` takes an empty one for `/`.
        let (_, rest) = text.split_once("://").ok_or(InvalidOrigin)?;
        if rest.contains(['/', '?', '#', '@']) {
            return Err(InvalidOrigin);
        }
        let parts = text.parse::<Uri>().map_err(|_| InvalidOrigin)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(InvalidOrigin);
        };
        let (host, port) = place(&authority, &scheme).ok_or(InvalidOrigin)?;
        Ok(Self { scheme, host, port })
    }

    /// Whether a request with this `Host` goes to where the page is from. Where the client does not speak TLS with this server,
    /// somebody else may have ended it, and the scheme of the page is taken for that of the request.
    fn is_at(&self, host: &HeaderValue, tls: Spoken) -> bool {
        if tls == Spoken::Yes && self.scheme != Scheme::HTTPS {
            return false;
        }
        let authority = Authority::try_from(host.as_bytes()).ok();
        let place = authority.and_then(|authority| place(&authority, &self.scheme));
        place.is_some_and(|(host, port)| host == self.host && port == self.port)
    }
}

/// Host and port; none where it is the scheme's own.
fn place(authority: &Authority, scheme: &Scheme) -> Option<(String, Option<u16>)> {
    let own = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let host = authority.host().to_ascii_lowercase();
    // A colon without a port that is a number is not read as one.
    let port = match authority.as_str().len() - authority.host().len() {
        0 => None,
        _ => Some(authority.port_u16()?),
    };
    (!host.is_empty()).then_some((host, port.filter(|port| Some(*port) != own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn peer(tls: Spoken, lines: &[(&'static str, &'static str)]) -> Peer {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Peer {
            headers,
            address: None,
            tls,
        }
    }

    fn is_allowed(origins: &Origins, origin: &'static str, host: &'static str) -> bool {
        let peer = peer(Spoken::Unknown, &[("origin", origin), ("host", host)]);
        origins.check(&peer).is_ok()
    }

    #[test]
    fn a_page_without_tls_is_not_the_own_of_a_server_with_it() {
        for (origin, is_own) in [
            ("https://example.org", true),
            ("https://example.org:443", true),
            ("http://example.org", false),
            ("http://example.org:443", false),
            ("https://example.org:8443", false),
        ] {
            let peer = peer(Spoken::Yes, &[("origin", origin), ("host", "example.org")]);
            assert_eq!(Origins::own().check(&peer).is_ok(), is_own, "{origin}");
        }
        // Beside it, it may be allowed.
        let peer = peer(
            Spoken::Yes,
            &[("origin", "http://example.org"), ("host", "example.org")],
        );
        let origins = Origins::own().and("http://example.org".parse().expect("an origin"));
        assert!(origins.check(&peer).is_ok());
    }

    #[test]
    fn a_page_may_use_the_server_that_it_is_from() {
        for (origin, host) in [
            ("http://localhost:8080", "localhost:8080"),
            ("http://example.org", "example.org"),
            ("http://example.org", "Example.ORG:80"),
            ("https://example.org", "example.org:443"),
            ("https://example.org", "example.org"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            let peer = peer(Spoken::Unknown, &[("origin", origin), ("host", host)]);
            assert_eq!(Origins::own().check(&peer), Ok(Caller::Own), "{origin} {host}");
        }
    }

    #[test]
    fn no_other_page_may() {
        for (origin, host) in [
            ("http://localhost:8081", "localhost:8080"),
            ("http://localhost", "localhost:8080"),
            ("http://127.0.0.1:8080", "localhost:8080"),
            ("http://example.org:443", "example.org"),
            ("http://example.org.evil.example", "example.org"),
            ("http://evil-example.org", "example.org"),
            ("http://example.org@evil.example", "example.org"),
            ("http://example.org/", "example.org"),
            ("http://example.org:", "example.org"),
            ("http://example.org:8o", "example.org"),
            ("null", "example.org"),
            ("null", "null"),
            ("", ""),
            ("example.org", "example.org"),
            ("http://", ""),
        ] {
            assert!(!is_allowed(&Origins::own(), origin, host), "{origin} {host}");
        }
        let twice = [
            ("host", "example.org"),
            ("origin", "http://example.org"),
            ("origin", "http://example.org"),
        ];
        let twice = peer(Spoken::Unknown, &twice);
        assert_eq!(Origins::own().check(&twice), Err(ForeignOrigin));
    }

    #[test]
    fn an_allowed_origin_is_matched_in_each_of_its_parts() {
        let origins = Origins::own().and("https://App.example.org".parse().expect("an origin"));
        for (origin, is) in [
            ("https://app.example.org", true),
            ("https://app.example.org:443", true),
            ("http://app.example.org", false),
            ("https://app.example.org:8443", false),
            ("https://other.app.example.org", false),
            ("https://example.org", false),
        ] {
            assert_eq!(is_allowed(&origins, origin, "live.example.org"), is, "{origin}");
        }
    }

    #[test]
    fn a_star_stands_for_one_name_or_more_below_a_domain() {
        let origins = Origins::own().and("https://*.example.org".parse().expect("an origin"));
        for (origin, is) in [
            ("https://a.example.org", true),
            ("https://a.b.example.org", true),
            ("https://example.org", false),
            ("https://.example.org", false),
            ("https://evilexample.org", false),
            ("https://a.example.org.evil.example", false),
            ("https://a.example.org:8443", false),
            ("http://a.example.org", false),
        ] {
            assert_eq!(is_allowed(&origins, origin, "live.test"), is, "{origin}");
        }
    }

    #[test]
    fn a_request_without_an_origin_is_a_programs() {
        let peer = peer(Spoken::Unknown, &[("host", "example.org")]);
        assert_eq!(Origins::own().check(&peer), Ok(Caller::Program));
        assert_eq!(Origins::own().required().check(&peer), Err(ForeignOrigin));
    }

    #[test]
    fn what_is_not_an_origin_is_not_taken_for_one() {
        for text in [
            "",
            "*",
            "example.org",
            "https://",
            "https://*",
            "https://*.",
            "https://*.*.example.org",
            "https://a.*.example.org",
            "https://*example.org",
            "https://example.org/",
            "https://example.org/path",
            "https://user@example.org",
            "https://example.org:port",
            "https://example.org:99999",
            "null",
        ] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
