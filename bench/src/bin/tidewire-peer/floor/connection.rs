//! One connection: its handshake, what of a frame was read, and what could not be written.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use super::frames::take_texts;

/// A connection, from its first byte.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    stage: Stage,
    /// What is incomplete.
    partial: Vec<u8>,
    unsent: Vec<u8>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Answered, and passed on to all others.
    Chat,
    /// Answered with what was said.
    Echo,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Handshake,
    Upgraded(Path),
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stage: Stage::Handshake,
            partial: Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Reads once and tells each text; whether the connection goes on.
    pub(super) fn read(&mut self, buffer: &mut [u8], on_text: impl FnMut(Path, &[u8])) -> bool {
        match self.stream.read(buffer) {
            Ok(0) => false,
            Ok(count) => self.handle(&mut buffer[..count], on_text).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Writes what was left and then `bytes`, as far as the socket takes them, and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_blocked() {
            self.unsent.extend_from_slice(bytes);
            let count = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..count);
            return Ok(());
        }
        let count = write(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[count..]);
        Ok(())
    }

    /// Whether something is left to be written.
    pub(super) fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    fn handle(&mut self, input: &mut [u8], mut on_text: impl FnMut(Path, &[u8])) -> anyhow::Result<()> {
        let Stage::Upgraded(path) = self.stage else {
            return self.handshake(input);
        };
        if self.partial.is_empty() {
            let used = take_texts(input, |text| on_text(path, text))?;
            self.partial.extend_from_slice(&input[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(input);
        let used = take_texts(&mut self.partial, |text| on_text(path, text))?;
        self.partial.drain(..used);
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        Ok(())
    }

    /// The client says nothing before it has been answered.
    fn handshake(&mut self, input: &[u8]) -> anyhow::Result<()> {
        self.partial.extend_from_slice(input);
        if !self.partial.ends_with(b"\r\n\r\n") {
            return Ok(());
        }
        let path = if self.partial.starts_with(b"GET /echo ") {
            Path::Echo
        } else {
            Path::Chat
        };
        self.partial = Vec::new();
        self.stage = Stage::Upgraded(path);
        self.send(ACCEPTED)?;
        if path == Path::Chat {
            self.send(b"\x81\x20Welcome to the WebSocket server!")?;
        }
        Ok(())
    }
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match stream.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

/// The answer to the key of RFC 6455's example.
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
