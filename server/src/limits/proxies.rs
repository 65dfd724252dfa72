//! Proxies that are believed when they say where a request comes from.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header::FORWARDED};
use ipnet::IpNet;

/// Networks whose proxies are believed about where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Proxies in any of these networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether an address is one of theirs.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from that a peer has sent: the address nearest to the server that is no trusted proxy's. What other
    /// peers say of it means nothing.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        // Each proxy adds whom it was asked by, to the right of what it was told itself.
        for said in hops(headers).into_iter().rev() {
            match said {
                Some(address) => client = address,
                // Nobody can say what is behind it.
                None => return client,
            }
            if !self.contains(client) {
                return client;
            }
        }
        client
    }

    /// Whether the proxy that has sent a request says that it came to it over TLS.
    pub(crate) fn says_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.contains(peer) && headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
    }
}

/// What proxies say, from the client's end on; `None` for what is no address. `Forwarded` is asked where there is no
/// `X-Forwarded-For`.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let plain = elements(headers, "x-forwarded-for");
    if !plain.is_empty() {
        return plain.into_iter().map(address).collect();
    }
    let standard = elements(headers, FORWARDED.as_str());
    standard
        .into_iter()
        .map(|element| forwarded_for(element).and_then(address))
        .collect()
}

fn elements<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let values = headers.get_all(name).iter();
    // What is not ASCII is no address either, and keeps its place.
    values
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect()
}

/// The `for` of an element of `Forwarded`: [RFC 7239 section 4](https://www.rfc-editor.org/rfc/rfc7239#section-4).
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

/// An address, perhaps in brackets, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|it| it.ip()));
    address.ok().map(|it| it.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|it| it.parse::<IpNet>().expect("a network"));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        let peer = peer.parse().expect("an address");
        TrustedProxies::new(networks).client(peer, &map).to_string()
    }

    #[test]
    fn only_who_is_trusted_is_believed() {
        let said = [("x-forwarded-for", "192.0.2.1")];
        assert_eq!(client("198.51.100.7", &said), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &said), "192.0.2.1");
        assert_eq!(client("::ffff:10.0.0.1", &said), "192.0.2.1");
        assert_eq!(client("fd00::1", &said), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_nearest_that_is_not_trusted_counts_whatever_was_said_before_it() {
        for (said, expected) in [
            ("1.1.1.1, 192.0.2.1", "192.0.2.1"),
            ("1.1.1.1, 192.0.2.1, 10.9.9.9", "192.0.2.1"),
            ("10.0.0.9, 10.9.9.9", "10.0.0.9"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, unknown", "10.0.0.1"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1,", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("x-forwarded-for", said)]), expected, "{said}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(client("10.0.0.1", &lines), "192.0.2.1");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        for (said, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("proto=https;For=\"192.0.2.1:80\";by=10.0.0.1", "192.0.2.1"),
            ("for=1.1.1.1, for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=192.0.2.1, for=10.0.0.3", "192.0.2.1"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("forwarded", said)]), expected, "{said}");
        }
    }
}
