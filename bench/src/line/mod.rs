//! One connection of the load generator: a WebSocket, and the dialect that is spoken on it.

mod crowd;
mod dialect;
mod open;
mod rooms;
mod socketio;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{deadline::Deadline, frame::Frames};

pub(crate) use self::{
    crowd::Crowd,
    dialect::{Dialect, Heard, Purpose, Speech, chat},
    open::raise_file_limit,
};

/// A connection that has joined.
pub(crate) struct Line {
    /// It does not block.
    pub(crate) stream: TcpStream,
    frames: Frames,
    speech: Speech,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
}

impl Line {
    /// Opens a connection and joins. `index` tells connections of one run apart.
    pub(crate) fn open(server: SocketAddr, dialect: Dialect, purpose: Purpose, index: usize) -> Result<Self> {
        let (stream, rest) = open::open(server, dialect.path(purpose), index)?;
        let mut line = Self {
            stream,
            frames: Frames::default(),
            speech: Speech::new(dialect, purpose),
            unsent: Vec::new(),
        };
        line.speech.greet(&mut line.unsent);
        let mut has_joined = !dialect.is_welcomed(purpose);
        line.join(&rest, &mut has_joined)?;
        let mut buffer = [0; 1024];
        while !has_joined || line.frames.is_incomplete() {
            let count = line.stream.read(&mut buffer).context("no welcome")?;
            ensure!(count > 0, "the server ended the connection");
            line.join(&buffer[..count], &mut has_joined)?;
        }
        line.stream.set_nonblocking(true)?;
        Ok(line)
    }

    /// Reads once and tells what was heard. How many bytes there were; 0 if none were there to be read.
    pub(crate) fn read(&mut self, buffer: &mut [u8], on_heard: impl FnMut(Heard<'_>) -> Result<()>) -> Result<usize> {
        let count = match self.stream.read(buffer) {
            Ok(0) => bail!("the server ended the connection"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            result => result?,
        };
        self.hear(&buffer[..count], on_heard)?;
        self.flush()?;
        Ok(count)
    }

    /// Sends a message in a write of its own, as `send` of a plain client does.
    pub(crate) fn send(&mut self, payload: &[u8]) -> Result<()> {
        self.put(payload);
        self.flush()
    }

    /// Says a message that is sent by the next flush.
    pub(crate) fn put(&mut self, payload: &[u8]) {
        self.speech.put(&mut self.unsent, payload);
    }

    /// Cuts the connection, as a lost network does; what is to be said on the next.
    pub(crate) fn cut(self) -> Speech {
        let mut speech = self.speech;
        speech.come_back();
        speech
    }

    /// Whether the socket has not taken all that was sent.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Gives the socket what it has not taken yet.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.unsent) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn join(&mut self, input: &[u8], has_joined: &mut bool) -> Result<()> {
        self.hear(input, |heard| match heard {
            Heard::Joined if !*has_joined => {
                *has_joined = true;
                Ok(())
            }
            other => bail!("not welcomed but told {other:?}"),
        })?;
        self.flush()
    }

    fn hear(&mut self, input: &[u8], mut on_heard: impl FnMut(Heard<'_>) -> Result<()>) -> Result<()> {
        let Self {
            frames, speech, unsent, ..
        } = self;
        frames.feed(input, |message| speech.hear(message, unsent, &mut on_heard))
    }
}

/// Opens `count` connections one after another.
pub(crate) fn open_all(
    server: SocketAddr,
    dialect: Dialect,
    purpose: Purpose,
    count: usize,
    deadline: &Deadline,
) -> Result<Vec<Line>> {
    (0..count)
        .map(|index| {
            if index % 1000 == 999 {
                eprintln!("  {} of {count} connections", index + 1);
            }
            deadline.check()?;
            Line::open(server, dialect, purpose, index).with_context(|| format!("connection {} of {count}", index + 1))
        })
        .collect()
}

/// An error unless every connection is still open, and the server has said nothing but to ask whether they are.
pub(crate) fn expect_silence(lines: &mut [Line]) -> Result<()> {
    let mut buffer = [0; 1024];
    for (index, line) in lines.iter_mut().enumerate() {
        line.read(&mut buffer, |heard| bail!("the server said {heard:?}"))
            .with_context(|| format!("connection {}", index + 1))?;
    }
    Ok(())
}
