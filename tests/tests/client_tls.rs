//! The native client at `wss:`, and whom it trusts there.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt, StreamExt};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::json;
use tidewire_client::{
    Client, ClientOptions, ClientState, ConnectError, RoomEvent, Roots, SubscribeOptions, TokenSource, TransportKind,
};
use tidewire_tests::{Authority, Folder, Process, Server, message, tokens, within};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// Speaks TLS to clients, and passes what they say on to a server. It ends with its value.
struct Front {
    address: SocketAddr,
    /// The certificate, which nobody trusts by himself.
    pem: String,
    accepting: JoinHandle<()>,
}

impl Front {
    async fn of(server: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
        let acceptor = acceptor(&cert, &signing_key);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(acceptor.clone(), stream, server));
            }
        });
        Self {
            address,
            pem: cert.pem(),
            accepting,
        }
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}/ws", self.address.port())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn acceptor(certificate: &rcgen::Certificate, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.expect("a good pair")))
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, server: SocketAddr) {
    if let Ok(mut client) = acceptor.accept(stream).await
        && let Ok(mut server) = TcpStream::connect(server).await
    {
        // Where either side ends, the other does.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

fn options(roots: Roots, kind: TransportKind) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.transports = vec![kind];
    options.roots = roots;
    options
}

#[tokio::test]
async fn websockets_and_polls_go_over_tls() {
    let server = Server::start_default();
    let front = Front::of(server.address()).await;
    for kind in [TransportKind::Stream, TransportKind::Polls] {
        let client = Client::connect(&front.url(), options(Roots::Pem(front.pem.clone()), kind)).expect("an address");
        let room = client.room("lobby").expect("a name");
        let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
        assert!(matches!(within(events.next()).await, Some(RoomEvent::Subscribed(_))));
        let said = within(room.publish("over TLS")).await.expect("accepted");
        assert_eq!(message(&mut events).await, ("over TLS".into(), said.offset.0));
        assert_eq!(client.transport(), Some(kind));
        within(client.close()).await;
    }
}

/// Gives a token that is good for one second, and tells that it was asked.
fn short_tokens(asked: UnboundedSender<()>) -> TokenSource {
    TokenSource::ask(move || {
        asked.send(()).expect("it is listened to");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_secs_f64();
        let claims = json!({ "sub": "ada", "iat": now, "exp": now + 1.0, "grants": { "lobby": tokens::all() } });
        let token = tokens::sign(&claims);
        async move { Ok::<_, std::io::Error>(String::from_utf8(token).expect("text")) }
    })
}

#[tokio::test]
async fn tokens_are_renewed_over_the_tls_of_the_binary_without_a_reconnect() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let files = authority.issue();
    let [certificate, key] = files.options();
    let secret = folder.write("jwt-secret", tokens::SECRET);
    let arguments = [&*certificate, &key, "--auth=jwt", "--jwt-secret-file", &secret];
    let server = Process::start(&arguments, &[]).await;
    assert_eq!(server.scheme, "https");
    for kind in [TransportKind::Stream, TransportKind::Polls] {
        let (told, mut asked) = unbounded_channel();
        let mut options = options(Roots::Pem(authority.pem()), kind);
        options.token = short_tokens(told);
        let url = format!("wss://localhost:{}/ws", server.address.port());
        let client = Client::connect(&url, options).expect("an address");
        let mut states = client.states();
        while within(states.next()).await != Some(ClientState::Open) {}
        let room = client.room("lobby").expect("a name");
        let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
        // At the third the first has expired.
        for _ in 0..3 {
            within(asked.recv()).await.expect("it is asked");
        }
        let said = within(room.publish("still here")).await.expect("accepted");
        assert_eq!(message(&mut events).await, ("still here".into(), said.offset.0));
        assert!(states.next().now_or_never().is_none(), "{:?}", client.state());
        within(client.close()).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_talked_to() {
    let server = Server::start_default();
    let [front, other] = [Front::of(server.address()).await, Front::of(server.address()).await];
    for kind in [TransportKind::Stream, TransportKind::Polls] {
        let client = Client::connect(&front.url(), options(Roots::Pem(other.pem.clone()), kind)).expect("an address");
        let mut states = client.states();
        let mut told = Vec::new();
        while !matches!(told.last(), Some(ClientState::Waiting(_))) {
            told.push(within(states.next()).await.expect("not the end"));
        }
        assert!(!told.contains(&ClientState::Open), "{told:?}");
    }
}

#[tokio::test]
async fn roots_that_are_none_are_refused_where_they_are_needed() {
    for text in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let roots = Roots::Pem(text.into());
        let connect = |url: &str| Client::connect(url, options(roots.clone(), TransportKind::Stream));
        assert_eq!(
            connect("wss://localhost:1/ws").err(),
            Some(ConnectError::InvalidRoots),
            "{text}"
        );
        assert!(connect("ws://localhost:1/ws").is_ok());
    }
}
