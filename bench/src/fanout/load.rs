//! The load generator: one sender and its receivers in one thread, on sockets that epoll watches.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{pace::Pace, window::Window};
use crate::{
    deadline::Deadline,
    line::{Heard, Line},
    measure::{self, Counters},
    message::Message,
};

/// A sender and its receivers, and the messages between them.
pub(super) struct Load {
    epoll: Epoll,
    sender: Client,
    receivers: Vec<Client>,
    pace: Pace,
    window: Window,
    message: Message,
    counters: Counters,
    buffer: Box<[u8]>,
    progress_at: Instant,
}

struct Client {
    line: Line,
    /// The number of the message, or the answer, that must come next.
    next: u64,
}

impl Load {
    /// `sender` sends messages of `bytes` to the others, as fast as `pace` says.
    pub(super) fn new(sender: Line, receivers: Vec<Line>, bytes: usize, pace: Pace) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&sender.stream, EpollEvent::new(EpollFlags::EPOLLIN, SENDER))?;
        for (line, token) in receivers.iter().zip(FIRST_RECEIVER..) {
            epoll.add(&line.stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        let client = |line| Client { line, next: 0 };
        Ok(Self {
            epoll,
            sender: client(sender),
            window: Window::new(u32::try_from(receivers.len())?, pace.outstanding()),
            receivers: receivers.into_iter().map(client).collect(),
            pace,
            message: Message::new(bytes),
            counters: Counters::new()?,
            buffer: vec![0; READ_BYTES].into(),
            progress_at: Instant::now(),
        })
    }

    fn handle_event(&mut self, event: &EpollEvent) -> Result<()> {
        if event.data() == SENDER {
            if event.events().contains(EpollFlags::EPOLLOUT) {
                self.sender.line.flush()?;
                if !self.sender.line.is_blocked() {
                    self.watch_sender(EpollFlags::EPOLLIN)?;
                }
            }
            return self.read_answers().context("sender");
        }
        let index = usize::try_from(event.data() - FIRST_RECEIVER)?;
        self.read_broadcasts(index)
            .with_context(|| format!("receiver {} of {}", index + 1, self.receivers.len()))
    }

    fn read_broadcasts(&mut self, index: usize) -> Result<()> {
        let Client { line, next } = &mut self.receivers[index];
        let mut read_at = None;
        let count = line.read(&mut self.buffer, |heard| {
            let Heard::Broadcast(payload) = heard else {
                bail!("expected message {next}, got {heard:?}")
            };
            self.message.check(payload, *next)?;
            let sent_at = self.window.on_received(*next).context("a message that was not sent")?;
            let now = *read_at.get_or_insert_with(Instant::now);
            let latency = now.duration_since(sent_at).as_micros();
            self.counters.latency.saturating_record(latency as u64);
            *next += 1;
            Ok(())
        })?;
        if count > 0 {
            self.counters.reads += 1;
        }
        self.progress_at = read_at.unwrap_or(self.progress_at);
        Ok(())
    }

    fn read_answers(&mut self) -> Result<()> {
        let Client { line, next } = &mut self.sender;
        line.read(&mut self.buffer, |heard| {
            match heard {
                Heard::Answer(payload) => self.message.check(payload, *next)?,
                Heard::Accepted(count) => ensure!(count == *next + 1, "expected answer {}, got {count}", *next + 1),
                other => bail!("expected the answer to message {next}, got {other:?}"),
            }
            *next += 1;
            Ok(())
        })?;
        Ok(())
    }

    fn send_due(&mut self, target: u64) -> Result<()> {
        while !self.sender.line.is_blocked() && !self.window.is_full() && self.window.sent() < target {
            let now = Instant::now();
            if !self.pace.take(now) {
                break;
            }
            let text = self.message.numbered(self.window.sent());
            self.window.on_sent(now);
            self.sender.line.send(text).context("sender")?;
            if self.sender.line.is_blocked() {
                self.watch_sender(EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT)?;
            }
        }
        Ok(())
    }

    fn watch_sender(&self, flags: EpollFlags) -> Result<()> {
        let mut event = EpollEvent::new(flags, SENDER);
        Ok(self.epoll.modify(&self.sender.line.stream, &mut event)?)
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

impl measure::Load for Load {
    /// Sends until `target` messages were sent in all, and waits until every receiver has each, and the sender every
    /// answer. Then nothing is under way.
    fn run_to(&mut self, target: u64, deadline: &Deadline) -> Result<()> {
        let mut events = vec![EpollEvent::empty(); MAX_EVENTS];
        self.progress_at = Instant::now();
        self.pace.begin(self.progress_at);
        self.send_due(target)?;
        while self.window.complete() < target || self.sender.next < target {
            let timeout = self.pace.wait(Instant::now()).min(LONGEST_WAIT);
            let timeout = u8::try_from(timeout.as_millis()).unwrap_or(u8::MAX);
            let count = match self.epoll.wait(&mut events, EpollTimeout::from(timeout)) {
                Err(nix::Error::EINTR) => 0,
                count => count?,
            };
            for event in &events[..count] {
                self.handle_event(event)?;
                self.send_due(target)?;
            }
            self.send_due(target)?;
            deadline.check().with_context(|| self.position())?;
            if self.progress_at.elapsed() > STALL_LIMIT {
                bail!("nothing arrived for {STALL_LIMIT:?}: {}", self.position());
            }
        }
        Ok(())
    }

    fn take_counters(&mut self) -> Result<Counters> {
        Ok(std::mem::replace(&mut self.counters, Counters::new()?))
    }
}

/// Large enough for all that is outstanding in most runs.
const READ_BYTES: usize = 256 << 10;

const MAX_EVENTS: usize = 256;

/// Receivers are numbered from the next on.
const SENDER: u64 = 0;
const FIRST_RECEIVER: u64 = 1;

/// Whether the deadline has passed is looked at so often.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How long it may be that nobody receives anything.
const STALL_LIMIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Dialect, Purpose};
    use crate::measure::Load as _;
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    /// What comes of one message to two receivers, where the server says this to the sender and to them.
    fn outcome(said: [&[&str]; 3]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut ends = Vec::new();
        let mut lines = said
            .map(|texts| {
                let line = std::thread::spawn(move || Line::open(address, Dialect::Plain, Purpose::Receive, 0));
                let (mut end, _) = listener.accept().expect("connected");
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    end.read_exact(&mut byte).expect("a request");
                    head.extend(byte);
                }
                end.write_all(ACCEPTED).expect("connected");
                put(&mut end, "Welcome to the WebSocket server!");
                let line = line.join().expect("no panic").expect("joined");
                texts.iter().for_each(|text| put(&mut end, text));
                ends.push(end);
                line
            })
            .into_iter();
        let sender = lines.next().expect("three");
        let mut load = Load::new(sender, lines.collect(), 12, Pace::Window(1)).expect("epoll");
        // Where nothing is said, the deadline is what ends the run; elsewhere it only keeps a failure from hanging.
        let is_silent = said.iter().any(|texts| texts.is_empty());
        let limit = Duration::from_millis(if is_silent { 100 } else { 20_000 });
        load.run_to(1, &Deadline::after(limit))
            .map_err(|error| format!("{error:#}"))
    }

    fn put(end: &mut impl Write, text: &str) {
        let header = [0x81, u8::try_from(text.len()).expect("short")];
        end.write_all(&[&header, text.as_bytes()].concat()).expect("connected");
    }

    const ACCEPTED: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
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
