//! Joining `/chat`, as lean as it gets: a socket, and no buffer.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{deadline::Deadline, frame::Frames};

/// Opens `count` connections one after another, each welcomed. `progress` is told how many there are, now and then.
pub(crate) fn join(server: SocketAddr, count: usize, deadline: &Deadline) -> Result<Vec<TcpStream>> {
    (0..count)
        .map(|index| {
            if index % 1000 == 999 {
                eprintln!("  {} of {count} connections", index + 1);
            }
            deadline.check()?;
            open(server, index).with_context(|| format!("connection {} of {count}", index + 1))
        })
        .collect()
}

/// An error unless every connection is still open, and has nothing to be read.
pub(crate) fn expect_silence(connections: &[TcpStream]) -> Result<()> {
    for (index, connection) in connections.iter().enumerate() {
        match connection.peek(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) => bail!("the server ended connection {}", index + 1),
            Ok(_) => bail!("the server spoke on connection {}", index + 1),
            Err(error) => return Err(error).with_context(|| format!("connection {}", index + 1)),
        }
    }
    Ok(())
}

fn open(server: SocketAddr, index: usize) -> Result<TcpStream> {
    let mut stream = connect(server, source(index))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut welcomed = false;
    let mut frames = Frames::default();
    let rest = read_head(&mut stream)?;
    let mut input = &rest[..];
    let mut buffer = [0; 1024];
    loop {
        frames.feed(input, |text| {
            ensure!(
                text == WELCOME && !welcomed,
                "not welcomed but told {} bytes",
                text.len()
            );
            welcomed = true;
            Ok(())
        })?;
        if welcomed && !frames.is_incomplete() {
            stream.set_nonblocking(true)?;
            return Ok(stream);
        }
        let count = stream.read(&mut buffer).context("no welcome")?;
        ensure!(count > 0, "the server ended the connection");
        input = &buffer[..count];
    }
}

/// The bytes after the head of the answer to the handshake.
fn read_head(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).context("no answer to the handshake")?;
        ensure!(count > 0 && head.len() < 16 << 10, "the handshake was not answered");
        head.extend_from_slice(&buffer[..count]);
        let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let rest = head.split_off(end + 4);
        let text = String::from_utf8_lossy(&head);
        let status = text.lines().next().unwrap_or_default();
        ensure!(
            text.starts_with("HTTP/1.1 101 ") && text.contains(ACCEPT),
            "the handshake was answered with {status:?}"
        );
        return Ok(rest);
    }
}

fn connect(server: SocketAddr, source: Option<Ipv4Addr>) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    socket.connect_timeout(&server.into(), CONNECT_LIMIT)?;
    socket.set_read_timeout(Some(CONNECT_LIMIT))?;
    socket.set_write_timeout(Some(CONNECT_LIMIT))?;
    // Each message is to leave when it is sent.
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
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

const WELCOME: &[u8] = b"Welcome to the WebSocket server!";

/// The key of RFC 6455's example, so that the answer is known as well.
const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
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
}
