//! A TCP connection on which a test says exactly what it wants.

use std::net::{Ipv4Addr, SocketAddr};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{Frame, read_frame, within};

/// The largest answer that [`Raw::head`] takes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// A TCP connection to a server.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
}

/// The head of an HTTP response.
#[derive(Debug)]
pub struct Head {
    /// Its status.
    pub status: StatusCode,
    /// How long it was.
    pub bytes: usize,
    lines: Vec<String>,
}

/// An opening handshake as RFC 6455 has it, each line of it for a test to change.
#[must_use]
pub fn upgrade_request(path: &str) -> Vec<String> {
    vec![
        format!("GET {path} HTTP/1.1"),
        "Host: localhost".into(),
        "Upgrade: websocket".into(),
        "Connection: Upgrade".into(),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".into(),
        "Sec-WebSocket-Version: 13".into(),
    ]
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: within(TcpStream::connect(address)).await.expect("a TCP connection"),
        }
    }

    /// Connects from an address of its own.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("an address of this machine");
        Self {
            stream: within(socket.connect(address)).await.expect("a TCP connection"),
        }
    }

    /// Connects and upgrades; frames may follow.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn upgraded(address: SocketAddr, path: &str) -> Self {
        let mut raw = Self::connect(address).await;
        assert_eq!(
            raw.request(&upgrade_request(path)).await.status,
            StatusCode::SWITCHING_PROTOCOLS
        );
        raw
    }

    /// Sends bytes.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    pub async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("sent");
    }

    /// Sends as much as the other side takes before it ends the connection.
    pub async fn send_while_taken(&mut self, bytes: &[u8]) {
        let _ = within(self.stream.write_all(bytes)).await;
    }

    /// Sends a request head and reads the response's.
    pub async fn request(&mut self, lines: &[String]) -> Head {
        self.send(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).await;
        self.head().await
    }

    /// Sends a request with a body, and reads the response with its own.
    ///
    /// # Panics
    ///
    /// When what comes is not one, or says no length.
    pub async fn exchange(&mut self, lines: &[String], body: &[u8]) -> (Head, Vec<u8>) {
        let head = format!("{}\r\nContent-Length: {}\r\n\r\n", lines.join("\r\n"), body.len());
        self.send_while_taken(&[head.as_bytes(), body].concat()).await;
        self.answer().await
    }

    /// Reads a response with its body.
    ///
    /// # Panics
    ///
    /// When what comes is not one, or says no length.
    pub async fn answer(&mut self) -> (Head, Vec<u8>) {
        let head = self.head().await;
        let length = head.header("content-length").and_then(|it| it.parse().ok());
        let mut answer = vec![0; length.expect("a length")];
        within(self.stream.read_exact(&mut answer)).await.expect("a body");
        (head, answer)
    }

    /// Reads the head of a response.
    ///
    /// # Panics
    ///
    /// When what comes is not one.
    pub async fn head(&mut self) -> Head {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(head.len() < MAX_HEAD_BYTES, "a response head without an end");
            head.push(within(self.stream.read_u8()).await.expect("a response head"));
        }
        let bytes = head.len();
        let head = String::from_utf8(head).expect("text");
        let mut lines = head.lines().map(str::to_owned);
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .expect("a status line");
        Head {
            status,
            bytes,
            lines: lines.collect(),
        }
    }

    /// Reads a frame; `None` at the end of the stream.
    pub async fn frame(&mut self) -> Option<Frame> {
        within(read_frame(&mut self.stream)).await
    }

    /// Reads a close frame's code, skipping other frames, then waits for the end of the stream.
    ///
    /// # Panics
    ///
    /// When there is no close frame.
    pub async fn closed(&mut self) -> u16 {
        loop {
            let frame = self.frame().await.expect("a close frame");
            if frame.opcode == Frame::CLOSE {
                assert!(self.rest().await.is_empty(), "bytes after the close frame");
                return frame.close_code().expect("a code");
            }
        }
    }

    /// Reads to the end of the stream.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = within(self.stream.read_to_end(&mut rest)).await;
        rest
    }

    /// The connection itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

impl Head {
    /// A header's value, its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }
}
