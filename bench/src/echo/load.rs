//! The load generator: connections that each keep some messages under way, in one thread.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::Writes;
use crate::{
    deadline::Deadline,
    line::{Heard, Line},
    measure::{self, Counters},
    message::Message,
};

/// Connections, and what is under way on them.
pub(super) struct Load {
    epoll: Epoll,
    clients: Vec<Client>,
    outstanding: usize,
    writes: Writes,
    message: Message,
    counters: Counters,
    buffer: Box<[u8]>,
    progress_at: Instant,
}

struct Client {
    line: Line,
    /// The number of the answer that must come next.
    next: u64,
    /// When those that are under way were sent, the oldest first.
    sent_at: VecDeque<Instant>,
    watches_writes: bool,
}

impl Load {
    /// Each of `lines` sends messages of `bytes`, `outstanding` at a time.
    pub(super) fn new(lines: Vec<Line>, bytes: usize, outstanding: usize, writes: Writes) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (line, token) in lines.iter().zip(0..) {
            epoll.add(&line.stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        let client = |line| Client {
            line,
            next: 0,
            sent_at: VecDeque::with_capacity(outstanding),
            watches_writes: false,
        };
        Ok(Self {
            epoll,
            clients: lines.into_iter().map(client).collect(),
            outstanding,
            writes,
            message: Message::new(bytes),
            counters: Counters::new()?,
            buffer: vec![0; 64 << 10].into(),
            progress_at: Instant::now(),
        })
    }

    /// Whether this brought the last answer.
    fn handle(&mut self, index: usize, target: u64) -> Result<bool> {
        let Client {
            line, next, sent_at, ..
        } = &mut self.clients[index];
        let was_done = *next == target;
        let mut read_at = None;
        line.flush()?;
        let count = line.read(&mut self.buffer, |heard| {
            let Heard::Answer(payload) = heard else {
                bail!("expected the answer to message {next}, got {heard:?}")
            };
            self.message.check(payload, *next)?;
            let sent_at = sent_at.pop_front().context("an answer to nothing")?;
            let now = *read_at.get_or_insert_with(Instant::now);
            let latency = now.duration_since(sent_at).as_micros();
            self.counters.latency.saturating_record(latency as u64);
            *next += 1;
            Ok(())
        })?;
        self.counters.reads += u64::from(count > 0);
        self.progress_at = read_at.unwrap_or(self.progress_at);
        let is_done = *next == target;
        self.send_due(index, target)?;
        Ok(is_done && !was_done)
    }

    fn send_due(&mut self, index: usize, target: u64) -> Result<()> {
        let client = &mut self.clients[index];
        let may_send = |line: &Line| self.writes == Writes::Together || !line.is_blocked();
        while client.sent_at.len() < self.outstanding && may_send(&client.line) {
            let number = client.next + client.sent_at.len() as u64;
            if number >= target {
                break;
            }
            client.sent_at.push_back(Instant::now());
            client.line.put(self.message.numbered(number));
            if self.writes == Writes::Each {
                client.line.flush()?;
            }
        }
        client.line.flush()?;
        if client.watches_writes != client.line.is_blocked() {
            client.watches_writes = client.line.is_blocked();
            let mut flags = EpollFlags::EPOLLIN;
            flags.set(EpollFlags::EPOLLOUT, client.watches_writes);
            let mut event = EpollEvent::new(flags, index as u64);
            self.epoll.modify(&client.line.stream, &mut event)?;
        }
        Ok(())
    }
}

impl measure::Load for Load {
    /// Sends until each connection has sent `target` messages in all, and waits until it has each answer.
    fn run_to(&mut self, target: u64, deadline: &Deadline) -> Result<()> {
        let mut events = vec![EpollEvent::empty(); 64];
        self.progress_at = Instant::now();
        let mut waiting = self.clients.iter().filter(|it| it.next < target).count();
        for index in 0..self.clients.len() {
            self.send_due(index, target)?;
        }
        while waiting > 0 {
            let count = match self.epoll.wait(&mut events, EpollTimeout::from(100_u8)) {
                Err(nix::Error::EINTR) => 0,
                count => count?,
            };
            for event in &events[..count] {
                let index = usize::try_from(event.data())?;
                let is_done = self.handle(index, target);
                let is_done = is_done.with_context(|| format!("connection {} of {}", index + 1, self.clients.len()))?;
                waiting -= usize::from(is_done);
            }
            deadline
                .check()
                .with_context(|| format!("{waiting} connections are not done"))?;
            if self.progress_at.elapsed() > STALL_LIMIT {
                bail!("nothing arrived for {STALL_LIMIT:?}, and {waiting} connections are not done");
            }
        }
        Ok(())
    }

    fn take_counters(&mut self) -> Result<Counters> {
        Ok(std::mem::replace(&mut self.counters, Counters::new()?))
    }
}

/// How long it may be that nobody is answered.
const STALL_LIMIT: Duration = Duration::from_secs(20);
