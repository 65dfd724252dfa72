//! One connection through the proxy.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time::sleep,
};

use super::{
    Shared,
    fault::{self, Fault, Mode},
    plan::{Direction, Schedule, Script},
};

/// One connection, which is known to the proxy as long as this lives.
pub(super) struct Link {
    number: u64,
    mode: watch::Sender<Mode>,
    schedule: Mutex<Schedule>,
    shared: Arc<Shared>,
}

/// One direction of a connection.
struct Pump<'a> {
    link: &'a Link,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    direction: Direction,
    mode: watch::Receiver<Mode>,
    buffer: Box<[u8]>,
    /// What was read and is yet to be passed on.
    pending: Range<usize>,
}

impl Link {
    /// The faults of `schedule` befall it. The caller knows it by its number.
    pub(super) fn new(number: u64, mode: watch::Sender<Mode>, schedule: Schedule, shared: Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self {
            number,
            mode,
            schedule: Mutex::new(schedule),
            shared,
        }
    }

    /// Passes bytes between the two until both are done, or a fault ends it.
    pub(super) async fn run(self, mut client: TcpStream, mut server: TcpStream) {
        for stream in [&client, &server] {
            drop(stream.set_nodelay(true));
        }
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::join!(
            self.pump(from_client, to_server, Direction::ToServer).run(),
            self.pump(from_server, to_client, Direction::ToClient).run(),
        );
        let mode = *self.mode.borrow();
        if mode.is_reset() {
            self.shared.count(|it| it.reset += 1);
            reset(client);
            reset(server);
        } else if mode.is_end() {
            self.shared.count(|it| it.cut += 1);
        }
    }

    fn pump<'a>(&'a self, from: ReadHalf<'a>, to: WriteHalf<'a>, direction: Direction) -> Pump<'a> {
        Pump {
            link: self,
            from,
            to,
            direction,
            mode: self.mode.subscribe(),
            buffer: vec![0; 16 << 10].into(),
            pending: 0..0,
        }
    }

    /// The fault that is due in this direction, or how many bytes may pass before it.
    fn due(&self, direction: Direction) -> Result<Script, usize> {
        self.schedule().take_due(direction)
    }

    fn on_passed(&self, direction: Direction, count: usize) {
        self.shared.count(|it| it.passed_bytes += count as u64);
        self.schedule().on_passed(direction, count as u64);
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault that is due.
    fn begin(&self, script: &Script) {
        self.shared.count(|it| match script.fault {
            Fault::HalfOpen => it.half_open += 1,
            Fault::Stall => it.stalled += 1,
            Fault::Slow => it.slowed += 1,
            _ => {}
        });
        let next = Mode::of(script.fault);
        fault::change(&self.mode, next);
        if next.is_end() {
            return;
        }
        let Some(lasts) = script.lasts else { return };
        let mode = self.mode.clone();
        // It needs no guard: it changes nothing once the connection has ended.
        tokio::spawn(async move {
            sleep(lasts).await;
            if *mode.borrow() == next {
                // Which cuts it if it was half-open.
                fault::change(&mode, Mode::Pass);
            }
        });
    }
}

impl Pump<'_> {
    async fn run(mut self) {
        loop {
            let now = *self.mode.borrow_and_update();
            if now.is_end() {
                break;
            }
            let goes_on = match self.link.due(self.direction) {
                Ok(script) => {
                    self.link.begin(&script);
                    true
                }
                Err(_) if now.holds(self.direction) => self.mode.changed().await.is_ok(),
                Err(_) if self.pending.is_empty() => self.read(now).await,
                Err(limit) => self.pass(now, limit).await,
            };
            if !goes_on {
                break;
            }
        }
        if !self.mode.borrow().is_reset() {
            drop(self.to.shutdown().await);
        }
    }

    /// Whether there may be more.
    async fn read(&mut self, now: Mode) -> bool {
        let count = tokio::select! {
            read = self.from.read(&mut self.buffer) => read.unwrap_or(0),
            _ = self.mode.changed() => return true,
        };
        self.pending = 0..count;
        if count == 0 && now == Mode::Swallow {
            // The other side is not told. This does not fail: the link has a sender.
            drop(self.mode.wait_for(|mode| mode.is_end()).await);
        }
        count > 0
    }

    /// Passes on some of what was read, if the mode allows; whether the other side took it.
    async fn pass(&mut self, now: Mode, limit: usize) -> bool {
        let count = match now {
            Mode::Swallow => {
                let count = self.pending.len() as u64;
                self.link.shared.count(|it| it.swallowed_bytes += count);
                self.pending = 0..0;
                return true;
            }
            Mode::Slow => SLOW_BYTES,
            _ => usize::MAX,
        };
        let count = count.min(limit).min(self.pending.len());
        let bytes = &self.buffer[self.pending.start..self.pending.start + count];
        let write = async {
            if now == Mode::Slow {
                sleep(SLOW_PAUSE).await;
            }
            self.to.write_all(bytes).await.is_ok()
        };
        let is_taken = tokio::select! {
            biased;
            is_taken = write => is_taken,
            _ = self.mode.wait_for(|mode| mode.is_end()) => false,
        };
        self.pending.start += count;
        self.link.on_passed(self.direction, count);
        is_taken
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.lock().links.remove(&self.number);
        self.shared.open.send_modify(|open| *open -= 1);
    }
}

/// Ends a connection so that the other side sees a reset.
pub(super) fn reset(stream: TcpStream) {
    drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
}

/// A slow connection passes on so many bytes at a time, some 16 KB a second in each direction.
const SLOW_BYTES: usize = 64;
const SLOW_PAUSE: Duration = Duration::from_millis(4);
