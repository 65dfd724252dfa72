//! The load generator: one sender and its receivers in one thread, on sockets that epoll watches.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{message::Message, window::Window};
use crate::{
    deadline::Deadline,
    frame::{Frames, put_text},
};

/// A sender and its receivers, and the messages between them.
pub(super) struct Load {
    epoll: Epoll,
    sender: Sender,
    receivers: Vec<Client>,
    window: Window,
    message: Message,
    counters: Counters,
    buffer: Box<[u8]>,
    progress_at: Instant,
}

/// What was seen since it was last taken.
pub(super) struct Counters {
    /// From just before a message was sent to just after it was read, of every delivery, in microseconds.
    pub(super) latency: Histogram<u64>,
    /// Reads that brought something to a receiver.
    pub(super) reads: u64,
}

struct Client {
    stream: TcpStream,
    frames: Frames,
    /// The number of the message that must come next.
    next: u64,
}

struct Sender {
    /// It is answered for each message it sends.
    client: Client,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
}

impl Load {
    /// The first of `streams` sends messages of `bytes` to the others, `outstanding` at a time.
    pub(super) fn new(streams: Vec<TcpStream>, bytes: usize, outstanding: usize) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut clients = Vec::with_capacity(streams.len());
        for (stream, token) in streams.into_iter().zip(SENDER..) {
            epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
            clients.push(Client {
                stream,
                frames: Frames::default(),
                next: 0,
            });
        }
        let mut clients = clients.into_iter();
        let client = clients.next().context("nobody to send")?;
        let receivers: Vec<_> = clients.collect();
        Ok(Self {
            epoll,
            sender: Sender {
                client,
                unsent: Vec::new(),
            },
            window: Window::new(u32::try_from(receivers.len())?, outstanding),
            receivers,
            message: Message::new(bytes),
            counters: Counters::new()?,
            buffer: vec![0; READ_BYTES].into(),
            progress_at: Instant::now(),
        })
    }

    /// Sends until `target` messages were sent in all, and waits until every receiver has each, and the sender every
    /// answer. Then nothing is under way.
    pub(super) fn run_to(&mut self, target: u64, deadline: &Deadline) -> Result<()> {
        let mut events = vec![EpollEvent::empty(); MAX_EVENTS];
        self.progress_at = Instant::now();
        self.send_due(target)?;
        while self.window.complete() < target || self.sender.client.next < target {
            let count = match self.epoll.wait(&mut events, EpollTimeout::from(100_u8)) {
                Err(nix::Error::EINTR) => 0,
                count => count?,
            };
            for event in &events[..count] {
                self.handle_event(event)?;
                self.send_due(target)?;
            }
            deadline.check().with_context(|| self.position())?;
            if self.progress_at.elapsed() > STALL_LIMIT {
                bail!("nothing arrived for {STALL_LIMIT:?}: {}", self.position());
            }
        }
        Ok(())
    }

    /// What was seen since the last call.
    pub(super) fn take_counters(&mut self) -> Result<Counters> {
        Ok(std::mem::replace(&mut self.counters, Counters::new()?))
    }

    fn handle_event(&mut self, event: &EpollEvent) -> Result<()> {
        if event.data() == SENDER {
            if event.events().contains(EpollFlags::EPOLLOUT) {
                self.flush()?;
                if self.sender.unsent.is_empty() {
                    self.watch_sender(EpollFlags::EPOLLIN)?;
                }
            }
            return self.read_answers();
        }
        let index = usize::try_from(event.data() - FIRST_RECEIVER)?;
        self.read_broadcasts(index)
            .with_context(|| format!("receiver {} of {}", index + 1, self.receivers.len()))
    }

    fn read_broadcasts(&mut self, index: usize) -> Result<()> {
        let Client { stream, frames, next } = &mut self.receivers[index];
        let count = read(stream, &mut self.buffer)?;
        if count == 0 {
            return Ok(());
        }
        let now = Instant::now();
        self.progress_at = now;
        self.counters.reads += 1;
        frames.feed(&self.buffer[..count], |text| {
            self.message.check(text, b"Broadcast: ", *next)?;
            let sent_at = self.window.on_received(*next).context("a message that was not sent")?;
            let latency = now.duration_since(sent_at).as_micros();
            self.counters.latency.saturating_record(latency as u64);
            *next += 1;
            Ok(())
        })
    }

    fn read_answers(&mut self) -> Result<()> {
        let Client { stream, frames, next } = &mut self.sender.client;
        let count = read(stream, &mut self.buffer).context("sender")?;
        frames.feed(&self.buffer[..count], |text| {
            self.message
                .check(text, b"Server received: ", *next)
                .context("sender")?;
            *next += 1;
            Ok(())
        })
    }

    /// Each message is a write of its own, as `send` of a plain client is.
    fn send_due(&mut self, target: u64) -> Result<()> {
        while self.sender.unsent.is_empty() && !self.window.is_full() && self.window.sent() < target {
            let text = self.message.numbered(self.window.sent());
            put_text(&mut self.sender.unsent, text);
            self.window.on_sent(Instant::now());
            self.flush()?;
            if !self.sender.unsent.is_empty() {
                self.watch_sender(EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        match self.sender.client.stream.write(&self.sender.unsent) {
            Ok(count) => drop(self.sender.unsent.drain(..count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("sender"),
        }
        Ok(())
    }

    fn watch_sender(&self, flags: EpollFlags) -> Result<()> {
        let mut event = EpollEvent::new(flags, SENDER);
        Ok(self.epoll.modify(&self.sender.client.stream, &mut event)?)
    }

    fn position(&self) -> String {
        let number = self.window.complete();
        let behind = self.receivers.iter().filter(|it| it.next <= number).count();
        format!(
            "{number} messages reached all; of the next, {} were sent, and {behind} receivers miss the first",
            self.window.sent() - number
        )
    }
}

impl Counters {
    fn new() -> Result<Self> {
        Ok(Self {
            latency: Histogram::new_with_max(MAX_LATENCY_US, 3)?,
            reads: 0,
        })
    }
}

/// How many bytes there were; 0 if none were there to be read.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<usize> {
    match stream.read(buffer) {
        Ok(0) => bail!("the server ended the connection"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => Ok(result?),
    }
}

/// Large enough for all that is outstanding in most runs.
const READ_BYTES: usize = 256 << 10;

const MAX_EVENTS: usize = 256;

/// Receivers are numbered from the next on.
const SENDER: u64 = 0;
const FIRST_RECEIVER: u64 = 1;

/// How long it may be that nobody receives anything.
const STALL_LIMIT: Duration = Duration::from_secs(20);

const MAX_LATENCY_US: u64 = 600_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What comes of one message to two receivers, where the server says this to the sender and to them.
    fn outcome(said: [&[&str]; 3]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut ends = Vec::new();
        let streams = said.map(|texts| {
            let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("listening");
            let (mut end, _) = listener.accept().expect("connected");
            for text in texts {
                let header = [0x81, u8::try_from(text.len()).expect("short")];
                end.write_all(&[&header, text.as_bytes()].concat()).expect("connected");
            }
            ends.push(end);
            stream.set_nonblocking(true).expect("a socket");
            stream
        });
        let mut load = Load::new(streams.into(), 12, 1).expect("epoll");
        // Where nothing is said, the deadline is what ends the run; elsewhere it only keeps a failure from hanging.
        let is_silent = said.iter().any(|texts| texts.is_empty());
        let limit = Duration::from_millis(if is_silent { 100 } else { 20_000 });
        load.run_to(1, &Deadline::after(limit))
            .map_err(|error| format!("{error:#}"))
    }

    const ANSWER: &str = "Server received: 000000000000";
    const FIRST: &str = "Broadcast: 000000000000";
    const SECOND: &str = "Broadcast: 000000000001";

    #[test]
    fn a_run_ends_when_all_receivers_have_the_message_and_the_sender_its_answer() {
        assert_eq!(outcome([&[ANSWER], &[FIRST], &[FIRST]]), Ok(()));
    }

    #[test]
    fn a_message_that_is_lost_doubled_or_late_fails_the_run() {
        let cases: [([&[&str]; 3], &str); 5] = [
            (
                [&[ANSWER], &[SECOND], &[FIRST]],
                "receiver 1 of 2: expected message 0, got 1",
            ),
            (
                [&[ANSWER], &[FIRST], &[FIRST, FIRST]],
                "receiver 2 of 2: expected message 1, got 0",
            ),
            (
                [&[ANSWER], &[FIRST], &[FIRST, SECOND]],
                "receiver 2 of 2: a message that was not sent",
            ),
            (
                [&[ANSWER], &[FIRST], &[]],
                "1 receivers miss the first: not done after the limit",
            ),
            (
                [&[ANSWER, ANSWER], &[FIRST], &[FIRST]],
                "sender: expected message 1, got 0",
            ),
        ];
        for (said, part) in cases {
            let error = outcome(said).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
