//! One connection through the proxy.

use std::{sync::Arc, time::Duration};

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
    plan::{Direction, Script},
};

/// One connection, which is known to the proxy as long as this lives.
pub(super) struct Link {
    number: u64,
    mode: watch::Sender<Mode>,
    script: Option<Script>,
    shared: Arc<Shared>,
}

impl Link {
    pub(super) fn new(number: u64, mode: watch::Sender<Mode>, script: Option<Script>, shared: Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self {
            number,
            mode,
            script,
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
            self.pump(from_client, to_server, Direction::ToServer),
            self.pump(from_server, to_client, Direction::ToClient),
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

    async fn pump(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, direction: Direction) {
        let mut mode = self.mode.subscribe();
        let mut script = self
            .script
            .filter(|it| it.direction == direction && it.fault != Fault::None);
        let mut passed = 0;
        let mut buffer = [0; 16 << 10];
        loop {
            let now = *mode.borrow_and_update();
            if let Some(due) = script.take_if(|it| it.after_bytes <= passed && !now.is_end()) {
                self.begin(&due);
                continue;
            }
            let room = match now {
                mode if mode.is_end() => break,
                Mode::Stall => 0,
                Mode::Slow => SLOW_BYTES,
                _ => buffer.len(),
            };
            let left = script.map_or(usize::MAX, |it| {
                (it.after_bytes - passed).try_into().unwrap_or(usize::MAX)
            });
            let room = room.min(left);
            let count = tokio::select! {
                read = from.read(&mut buffer[..room]), if room > 0 => read.unwrap_or(0),
                _ = mode.changed() => continue,
            };
            match now {
                Mode::Swallow if count == 0 => self.wait_for_end(&mut mode).await,
                Mode::Swallow => self.shared.count(|it| it.swallowed_bytes += count as u64),
                _ if count == 0 => break,
                _ => {
                    let pause = if now == Mode::Slow { SLOW_PAUSE } else { Duration::ZERO };
                    if !self.pass(&mut to, &buffer[..count], pause, &mut mode).await {
                        break;
                    }
                    passed += count as u64;
                    self.shared.count(|it| it.passed_bytes += count as u64);
                }
            }
        }
        if !self.mode.borrow().is_reset() {
            drop(to.shutdown().await);
        }
    }

    /// Whether the other side has taken it. A stall does not keep what was read already.
    async fn pass(
        &self,
        to: &mut WriteHalf<'_>,
        bytes: &[u8],
        pause: Duration,
        mode: &mut watch::Receiver<Mode>,
    ) -> bool {
        tokio::select! {
            biased;
            written = async {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                to.write_all(bytes).await
            } => written.is_ok(),
            () = self.wait_for_end(mode) => false,
        }
    }

    /// The fault that was due.
    fn begin(&self, script: &Script) {
        let next = Mode::of(script.fault);
        self.shared.count(|it| match script.fault {
            Fault::HalfOpen => it.half_open += 1,
            Fault::Stall => it.stalled += 1,
            Fault::Slow => it.slowed += 1,
            _ => {}
        });
        fault::change(&self.mode, next);
        if next.is_end() {
            return;
        }
        let (mode, lasts) = (self.mode.clone(), script.lasts);
        // It needs no guard: it changes nothing once the connection has ended.
        tokio::spawn(async move {
            sleep(lasts).await;
            if *mode.borrow() == next {
                // Which cuts it if it was half-open.
                fault::change(&mode, Mode::Pass);
            }
        });
    }

    async fn wait_for_end(&self, mode: &mut watch::Receiver<Mode>) {
        // It does not fail: `self` has a sender.
        drop(mode.wait_for(|mode| mode.is_end()).await);
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
