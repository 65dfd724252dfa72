//! Opening a WebSocket, as lean as it gets: a socket, and no buffer.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};
use socket2::{Domain, Protocol, Socket, Type};

/// A WebSocket of `path`, and what the server has said on it already. `index` tells connections of one run apart.
pub(super) fn open(server: SocketAddr, path: &str, index: usize) -> Result<(TcpStream, Vec<u8>)> {
    let mut stream = connect(server, index)?;
    stream.write_all(&request(path))?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).context("no answer to the handshake")?;
        ensure!(count > 0, "the handshake was not answered");
        head.extend_from_slice(&buffer[..count]);
        if let Some(rest) = after_head(&head)? {
            let rest = rest.to_vec();
            return Ok((stream, rest));
        }
    }
}

/// A request for a WebSocket of `path`.
pub(super) fn request(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into()
}

/// What comes after the head of the answer to the handshake; `None` while that is incomplete.
pub(super) fn after_head(answer: &[u8]) -> Result<Option<&[u8]>> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        ensure!(answer.len() < 16 << 10, "the handshake was not answered");
        return Ok(None);
    };
    let (head, rest) = answer.split_at(end + 4);
    let head = String::from_utf8_lossy(head);
    let status = head.lines().next().unwrap_or_default();
    ensure!(
        head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT),
        "the handshake was answered with {status:?}"
    );
    Ok(Some(rest))
}

fn connect(server: SocketAddr, index: usize) -> Result<TcpStream> {
    let socket = socket(server, index)?;
    socket.connect_timeout(&server.into(), CONNECT_LIMIT)?;
    socket.set_read_timeout(Some(CONNECT_LIMIT))?;
    socket.set_write_timeout(Some(CONNECT_LIMIT))?;
    Ok(socket.into())
}

/// A connection that does not block and is there as soon as it can be written to.
pub(super) fn begin_connect(server: SocketAddr, index: usize) -> Result<TcpStream> {
    let socket = socket(server, index)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&server.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => Err(error.into()),
        _ => Ok(socket.into()),
    }
}

fn socket(server: SocketAddr, index: usize) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source(index) {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    // Each message is to leave when it is sent.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// From one address a server's port can be reached some 28,000 times, then ports run out; all of 127.0.0.0/8 is local.
fn source(index: usize) -> Option<Ipv4Addr> {
    match u8::try_from(index / PER_SOURCE) {
        Ok(0) => None,
        group => Some(Ipv4Addr::new(127, 0, 1, group.unwrap_or(u8::MAX))),
    }
}

/// Each connection takes a file descriptor here, and another one in the server, which inherits the limit.
pub(crate) fn raise_file_limit(connections: usize) -> Result<()> {
    // Room for what else is open.
    let needed = connections as u64 + 100;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard.max(needed))
            .with_context(|| format!("{needed} open files are needed, and the limit is {hard}: see `ulimit -Hn`"))?;
    }
    Ok(())
}

/// The key of RFC 6455's example, so that the answer is known as well.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const PER_SOURCE: usize = 20_000;

/// For each wait of a handshake.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_past_the_ports_of_one_address_come_from_another() {
        assert_eq!(source(PER_SOURCE - 1), None);
        assert_eq!(source(PER_SOURCE), Some(Ipv4Addr::new(127, 0, 1, 1)));
        assert_eq!(source(2 * PER_SOURCE), Some(Ipv4Addr::new(127, 0, 1, 2)));
    }

    #[test]
    fn what_follows_the_head_is_found_and_any_other_answer_is_an_error() {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        let answer = [head.as_bytes(), b"\x81\x00"].concat();
        assert_eq!(after_head(&answer).expect("valid"), Some(&b"\x81\x00"[..]));
        assert_eq!(after_head(&answer[..head.len() - 1]).expect("valid so far"), None);
        let error = after_head(b"HTTP/1.1 404 Not Found\r\n\r\n").expect_err("no WebSocket");
        assert!(error.to_string().contains("404 Not Found"), "{error}");
    }
}
