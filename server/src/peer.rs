//! Who sends a request.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use http::HeaderMap;
use warp::Filter;

use crate::{access::Connecting, limits::TrustedProxies};

/// Who sends a request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// What it says with the request.
    pub(crate) headers: HeaderMap,
    /// Where it is. Unknown where the program that runs the server does not say.
    pub(crate) address: Option<IpAddr>,
    /// Whether it speaks TLS.
    pub(crate) tls: Spoken,
}

/// Whether a client speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// With this server, or with a proxy that is trusted and says so.
    Yes,
    /// It may, with another proxy.
    Unknown,
}

impl Peer {
    /// What its access is asked where nobody can show a token.
    pub(crate) fn connecting(&self) -> Connecting<'_> {
        Connecting {
            token: &[],
            headers: &self.headers,
            address: self.address,
            renews: None,
        }
    }
}

/// The other end of the TCP connection, as [`serve`](crate::serve) adds it to each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Spoken,
}

/// Takes it from a request, whoever serves. What trusted proxies say of it is believed.
pub(crate) fn peer(proxies: &TrustedProxies) -> impl Filter<Extract = (Peer,), Error = Infallible> + Clone + use<> {
    let proxies = proxies.clone();
    warp::header::headers_cloned()
        .and(warp::ext::optional::<Remote>())
        .and(warp::addr::remote())
        .map(
            move |headers: HeaderMap, ours: Option<Remote>, warps: Option<SocketAddr>| {
                let remote = ours.map(|remote| remote.address).or(warps);
                let tls = match (&ours, remote) {
                    (_, Some(remote)) if proxies.says_tls(remote.ip(), &headers) => Spoken::Yes,
                    (Some(ours), _) => ours.tls,
                    (None, _) => Spoken::Unknown,
                };
                Peer {
                    address: remote.map(|it| proxies.client(it.ip(), &headers)),
                    headers,
                    tls,
                }
            },
        )
}
