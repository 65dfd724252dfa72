//! Polls over hyper: HTTP requests to the same server, on connections that are kept.

use core::fmt;

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tidewire_protocol::CloseCode;

use super::tls::{Http, Tls};

/// Where a server is polled, and the connections to it.
#[derive(Clone)]
pub(crate) struct Polls {
    uri: Uri,
    client: Client<Http, Full<Bytes>>,
}

impl Polls {
    /// For the server whose WebSockets are at this address.
    pub(super) fn new(websocket: &Uri, tls: &Tls) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            uri: beside(websocket),
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(MAX_IDLE)
                .build(tls.http(connector)),
        }
    }

    /// Sends a batch, and waits for the answer. An error has the code of what went wrong, where there is one.
    pub(crate) async fn poll(&self, batch: Vec<u8>, max_bytes: usize) -> Result<Bytes, Option<CloseCode>> {
        let mut request = Request::new(Full::from(batch));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let kind = HeaderValue::from_static("application/octet-stream");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        let response = self.client.request(request).await.map_err(|_| None)?;
        match response.status() {
            StatusCode::OK => {
                let body = Limited::new(response.into_body(), max_bytes).collect().await;
                Ok(body.map_err(|_| None)?.to_bytes())
            }
            StatusCode::PAYLOAD_TOO_LARGE => Err(Some(CloseCode::MESSAGE_TOO_BIG)),
            _ => Err(None),
        }
    }
}

impl fmt::Debug for Polls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polls").finish_non_exhaustive()
    }
}

/// One connection for the poll that waits, and one for that which takes its place.
const MAX_IDLE: usize = 2;

/// The address of polls: `poll` where the last segment of a WebSocket's was, over HTTP.
fn beside(websocket: &Uri) -> Uri {
    let path = websocket.path();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let query = websocket.query().map(|query| format!("?{query}")).unwrap_or_default();
    let scheme = match websocket.scheme_str() {
        Some("wss") => "https",
        _ => "http",
    };
    let parts = Uri::builder()
        .scheme(scheme)
        .authority(websocket.authority().map_or("", |it| it.as_str()))
        .path_and_query(format!("{folder}/poll{query}"));
    // The parts are those of an address, so they are one; a poll to `/` fails like any other.
    parts.build().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_polled_beside_its_websockets() {
        for (websocket, polls) in [
            ("ws://localhost:8080/ws", "http://localhost:8080/poll"),
            ("wss://example.org/chat/ws?a=b", "https://example.org/chat/poll?a=b"),
            ("ws://example.org", "http://example.org/poll"),
        ] {
            assert_eq!(beside(&websocket.parse().expect("an address")), polls);
        }
    }
}
