//! TLS in the server itself: what is spoken over it, and what becomes of its certificate.

use std::{fs, time::Duration};

use http::StatusCode;
use tidewire_protocol::frame::Start;
use tidewire_server::{Reloaded, Settings, Tidewire, Tls, TlsError};
use tidewire_tests::{
    Authority, Client, Head, Heard, PairFiles, Poller, Raw, Server, Wire, until, upgrade_request, within,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    client::TlsStream,
    rustls::{
        ProtocolVersion,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

fn server(files: &PairFiles, change: impl FnOnce(&mut Settings)) -> Server {
    serve(files.open(), change)
}

fn serve(tls: Tls, change: impl FnOnce(&mut Settings)) -> Server {
    let mut settings = Settings::default();
    change(&mut settings);
    Server::serve_tls(Tidewire::new(settings), tls)
}

/// The certificate that a server shows now.
async fn shown(authority: &Authority, server: &Server) -> CertificateDer<'static> {
    let stream = authority.connect(server.address()).await.expect("TLS");
    let (_, session) = stream.get_ref();
    session.peer_certificates().expect("certificates")[0]
        .clone()
        .into_owned()
}

#[tokio::test]
async fn websockets_and_polls_go_over_tls() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |_| {});
    let tunnel = authority.tunnel(server.address()).await;

    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    for text in ["one".to_owned(), "m".repeat(1 << 20), String::new()] {
        echo.send(text.clone()).await;
        assert_eq!(echo.text().await, text);
    }
    echo.close().await;

    let (mut wire, _) = Wire::join(tunnel.address()).await;
    wire.subscribe(1, "lobby", Start::Now).await;
    let mut poller = Poller::join(tunnel.address()).await;
    wire.publish(1, "lobby", "hello").await;
    wire.published(1).await;
    let answer = poller.poll(&[]).await;
    let heard = answer
        .iter()
        .any(|heard| matches!(heard, Heard::Message(said) if said.text() == "hello"));
    assert!(heard, "{answer:?}");
}

#[tokio::test]
async fn both_versions_are_spoken_and_http_1_agreed_on() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |_| {});
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let stream = within(TcpStream::connect(server.address())).await.expect("TCP");
        let name = ServerName::try_from("localhost").expect("a name");
        let connecting = authority
            .connector(&[version], &["h2", "http/1.1"])
            .connect(name, stream);
        let stream = within(connecting).await.expect("TLS");
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(expected));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_clients_while_old_connections_go_on() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = serve(files.open().look_every(Duration::from_millis(5)), |_| {});
    let tunnel = authority.tunnel(server.address()).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    let old = shown(&authority, &server).await;

    let new = authority.renew(&files, |_| {});
    assert_ne!(old, new);
    until(async || shown(&authority, &server).await == new).await;
    echo.send("still here").await;
    assert_eq!(echo.text().await, "still here");
}

#[tokio::test]
async fn a_broken_pair_is_told_once_and_the_old_one_stays() {
    let authority = Authority::new();
    let (files, other) = (authority.issue(), authority.issue());
    let tls = files.open();
    let server = serve(tls.clone(), |_| {});
    let old = shown(&authority, &server).await;

    // The certificate is there already, and its key not yet.
    fs::copy(other.certificate(), files.certificate()).expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::Mismatch)));
    assert_eq!(tls.reload().expect("told already"), Reloaded::Unchanged);
    fs::remove_file(files.key()).expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::Unreadable(path, _)) if path == files.key()));
    assert_eq!(tls.reload().expect("told already"), Reloaded::Unchanged);
    fs::write(files.key(), "nothing").expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::NoKey(path)) if path == files.key()));
    assert_eq!(shown(&authority, &server).await, old);

    fs::copy(other.key(), files.key()).expect("a file");
    assert_eq!(tls.reload().expect("a good pair"), Reloaded::Changed);
    assert_ne!(shown(&authority, &server).await, old);
}

#[tokio::test]
async fn files_without_what_they_should_have_are_told_apart() {
    let authority = Authority::new();
    let (files, other) = (authority.issue(), authority.issue());
    let missing = files.key().with_extension("missing");
    assert!(matches!(Tls::open(files.certificate(), &missing), Err(TlsError::Unreadable(path, _)) if path == missing));
    assert!(matches!(Tls::open(files.key(), files.key()), Err(TlsError::NoCertificate(path)) if path == files.key()));
    let certificate = files.certificate();
    assert!(matches!(Tls::open(&certificate, &certificate), Err(TlsError::NoKey(path)) if path == certificate));
    assert!(matches!(Tls::open(certificate, other.key()), Err(TlsError::Mismatch)));
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_to_use_tls() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |_| {});
    let mut raw = server.raw().await;
    let head = raw.request(&upgrade_request("/echo")).await;
    assert_eq!(head.status, StatusCode::BAD_REQUEST);
    let body = String::from_utf8(raw.rest().await).expect("text");
    assert!(body.contains("https://"), "{body}");
    assert_eq!(head.header("content-length"), Some(body.len().to_string().as_str()));
}

#[tokio::test]
async fn a_handshake_that_stops_halfway_is_dropped() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |settings| {
        settings.handshake_timeout = Duration::from_millis(50)
    });
    // Nothing; a part of a record; all of a record, which is no hello.
    for begun in [&[][..], &[22, 3, 1, 2, 0, 1], &[22, 3, 1, 0, 4, 1, 0, 1, 0]] {
        let mut raw = server.raw().await;
        raw.send(begun).await;
        raw.rest().await;
    }
    // And one that goes on in time is not.
    let tunnel = authority.tunnel(server.address()).await;
    let mut echo = Client::connect(tunnel.address(), "/echo").await;
    echo.send("in time").await;
    assert_eq!(echo.text().await, "in time");
}

#[tokio::test]
async fn the_servers_own_pages_are_those_that_came_over_tls() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |_| {});
    let tunnel = authority.tunnel(server.address()).await;
    let batch = Poller::new(tunnel.address()).batch(&[]);
    for (origin, is_own) in [
        ("https://localhost", true),
        ("https://localhost:443", true),
        ("http://localhost", false),
        ("http://localhost:443", false),
    ] {
        let line = format!("Origin: {origin}");
        let upgrade = [upgrade_request("/ws"), vec![line.clone()]].concat();
        let head = Raw::connect(tunnel.address()).await.request(&upgrade).await;
        assert_eq!(head.status == StatusCode::SWITCHING_PROTOCOLS, is_own, "{origin}");
        let poll = ["POST /poll HTTP/1.1".into(), "Host: localhost".into(), line];
        let (head, _): (Head, _) = Raw::connect(tunnel.address()).await.exchange(&poll, &batch).await;
        assert_eq!(head.status == StatusCode::OK, is_own, "{origin}");
    }
}

#[tokio::test]
async fn what_a_slow_reader_had_not_taken_comes_once_it_reads() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |_| {});
    let (mut reader, mut writer) = tokio::io::split(echo(&authority, &server).await);
    let writing = tokio::spawn(async move {
        for _ in 0..COUNT {
            writer.write_all(&masked()).await.expect("sent");
            writer.flush().await.expect("sent");
        }
        writer
    });
    let mut echoed = vec![0; 10 + MESSAGE_BYTES];
    for _ in 0..COUNT {
        within(reader.read_exact(&mut echoed)).await.expect("an echo");
        assert_eq!(echoed[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
    drop(within(writing).await.expect("all sent"));
}

#[tokio::test]
async fn who_takes_nothing_is_closed_over_tls_too() {
    let authority = Authority::new();
    let files = authority.issue();
    let server = server(&files, |settings| {
        settings.stall_timeout = Duration::from_millis(50);
        settings.close_timeout = Duration::from_millis(50);
    });
    let mut stream = echo(&authority, &server).await;
    within(async { while stream.write_all(&masked()).await.is_ok() {} }).await;
    server.wait_for_open(0).await;
}

/// A WebSocket to `/echo`.
async fn echo(authority: &Authority, server: &Server) -> TlsStream<TcpStream> {
    let mut stream = authority.connect(server.address()).await.expect("TLS");
    let request = format!("{}\r\n\r\n", upgrade_request("/echo").join("\r\n"));
    within(stream.write_all(request.as_bytes())).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.expect("a head"));
    }
    stream
}

/// A message of zeros, masked with zeros.
fn masked() -> Vec<u8> {
    let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    frame.resize(frame.len() + MESSAGE_BYTES, 0);
    frame
}

const MESSAGE_BYTES: usize = 1 << 16;

/// So many messages are more than all buffers on their way hold.
const COUNT: usize = 256;
