//! Many clients that connect at once.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{
    Line,
    dialect::{Dialect, Heard, Purpose, Speech},
    open,
};
use crate::{deadline::Deadline, frame::Frames, message::Message};

/// What came of it.
pub(crate) struct Crowd {
    /// Their connections, in the order of what they were to say.
    pub(crate) lines: Vec<Line>,
    /// From the first connect until a client had joined and was told all, in microseconds.
    pub(crate) took: Histogram<u64>,
}

struct Member {
    line: Line,
    /// What came of the answer to the handshake, until that is complete.
    head: Option<Vec<u8>>,
    has_joined: bool,
    /// The number of the message that must come next.
    next: u64,
}

impl Crowd {
    /// Connects for each of `speeches` at once, and waits until each has joined and was told the messages that it missed.
    pub(crate) fn gather(
        server: SocketAddr,
        dialect: Dialect,
        speeches: Vec<Speech>,
        missed: std::ops::Range<u64>,
        message: &Message,
        deadline: &Deadline,
    ) -> Result<Self> {
        let begun = Instant::now();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let request = open::request(dialect.path(Purpose::Receive));
        let mut members = Vec::with_capacity(speeches.len());
        for (index, speech) in speeches.into_iter().enumerate() {
            let member = Member::connect(server, index, speech, missed.start)?;
            epoll.add(&member.line.stream, EpollEvent::new(EpollFlags::EPOLLOUT, index as u64))?;
            members.push(member);
        }
        let mut took = Histogram::new_with_max(600_000_000, 3)?;
        let mut events = vec![EpollEvent::empty(); 256];
        let mut buffer = vec![0; 256 << 10];
        let mut waiting = members.len();
        while waiting > 0 {
            let count = match epoll.wait(&mut events, EpollTimeout::from(100_u8)) {
                Err(nix::Error::EINTR) => 0,
                count => count?,
            };
            for event in &events[..count] {
                let index = usize::try_from(event.data())?;
                let member = &mut members[index];
                if event.events().contains(EpollFlags::EPOLLOUT) {
                    member.ask(&request)?;
                    epoll.modify(
                        &member.line.stream,
                        &mut EpollEvent::new(EpollFlags::EPOLLIN, event.data()),
                    )?;
                    continue;
                }
                let was_done = member.is_done(missed.end);
                member
                    .read(&mut buffer, message)
                    .with_context(|| format!("client {}", index + 1))?;
                if member.is_done(missed.end) && !was_done {
                    took.saturating_record(begun.elapsed().as_micros() as u64);
                    waiting -= 1;
                }
            }
            deadline
                .check()
                .with_context(|| format!("{waiting} clients are not done"))?;
        }
        let lines = members.into_iter().map(|it| it.line).collect();
        Ok(Self { lines, took })
    }
}

impl Member {
    fn connect(server: SocketAddr, index: usize, speech: Speech, next: u64) -> Result<Self> {
        let line = Line {
            stream: open::begin_connect(server, index)?,
            frames: Frames::default(),
            speech,
            unsent: Vec::new(),
        };
        Ok(Self {
            line,
            head: Some(Vec::new()),
            has_joined: false,
            next,
        })
    }

    /// The connection is there, or could not be made.
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        if let Some(error) = self.line.stream.take_error()? {
            return Err(error).context("cannot connect");
        }
        Ok(self.line.stream.write_all(request)?)
    }

    fn is_done(&self, last: u64) -> bool {
        self.has_joined && self.next == last
    }

    fn read(&mut self, buffer: &mut [u8], message: &Message) -> Result<()> {
        let Some(head) = &mut self.head else {
            let (has_joined, next) = (&mut self.has_joined, &mut self.next);
            self.line
                .read(buffer, |heard| on_heard(heard, has_joined, next, message))?;
            return Ok(());
        };
        let count = match self.line.stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            count => count?,
        };
        ensure!(count > 0, "the server ended the connection");
        head.extend_from_slice(&buffer[..count]);
        let Some(rest) = open::after_head(head)?.map(<[u8]>::to_vec) else {
            return Ok(());
        };
        self.head = None;
        let (has_joined, next) = (&mut self.has_joined, &mut self.next);
        self.line.speech.greet(&mut self.line.unsent);
        self.line
            .hear(&rest, |heard| on_heard(heard, has_joined, next, message))?;
        self.line.flush()
    }
}

fn on_heard(heard: Heard<'_>, has_joined: &mut bool, next: &mut u64, message: &Message) -> Result<()> {
    match heard {
        Heard::Joined if !*has_joined => *has_joined = true,
        Heard::Broadcast(payload) if *has_joined => {
            message.check(payload, *next)?;
            *next += 1;
        }
        other => bail!("the server said {other:?}"),
    }
    Ok(())
}
