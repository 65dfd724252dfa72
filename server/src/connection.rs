//! The task that drives one WebSocket: it reads, writes and keeps the time, and decides nothing about frames.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use crate::{
    connections::Counted,
    drain::{Due, Told},
    limits::{FREE_BYTES, NoMemory, Owed, Partial, Partials, Throttle},
    metrics::{Path, Traffic},
    outbox::Outbox,
    timer::Timer,
    websocket::{Incoming, State, WebSocket},
};
use tidewire_protocol::CloseCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How much is read at a time, into a buffer on the stack.
pub(crate) const READ_BYTES: usize = 16 << 10;

/// What an endpoint makes of a connection; all else is the same for each. An error closes the connection.
pub(crate) trait Endpoint: Send + Unpin + 'static {
    /// Where it is mounted, for the log.
    const PATH: Path;

    /// The connection is open; nothing was received yet.
    fn on_open(&mut self, _outbox: &mut Outbox) {}

    /// The peer sent a message.
    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) -> Result<(), CloseCode>;

    /// Moves what others have for this connection into `outbox` until it is full or there is no more; in the second
    /// case `cx`, which is the same task's each time, is woken when there is.
    fn poll_frames(&mut self, _cx: &mut Context<'_>, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        Ok(())
    }

    /// Holds what the peer sends to the rates of its session and its address.
    fn throttle(&mut self) -> &mut Throttle;

    /// How many frames there were in so many messages, since this was last asked.
    fn frames_in(&mut self, messages: u32) -> u32 {
        messages
    }

    /// Whether it takes another message now. Where it does not, it wakes its task once it does.
    fn takes_input(&mut self) -> bool {
        true
    }

    /// When [`on_deadline`](Self::on_deadline) is to be called, if nothing happens before.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// A deadline has passed.
    fn on_deadline(&mut self, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        Ok(())
    }

    /// The server will end the connection after so long.
    fn on_drain(&mut self, _left: Duration, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        Ok(())
    }

    /// The server ends the connection: with the error that this returns, or the one that another method will return soon.
    /// Called again and again until then.
    fn finish(&mut self, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        Err(CloseCode::GOING_AWAY)
    }
}

/// One connection from its upgrade to its end. Resolves when the TCP connection can be dropped.
pub(crate) struct Connection<S, E> {
    io: S,
    websocket: WebSocket,
    outbox: Outbox,
    /// Nothing that left the outbox waits in the stream.
    flushed: bool,
    endpoint: E,
    counted: Counted,
    traffic: Traffic,
    told: Told,
    half_closed: bool,
    bounds: Bounds,
    wait: Wait,
    /// For the endpoint's deadline. It may be set to an earlier one than the endpoint has by now, and looks again then: a
    /// deadline that each message moves must not cost a timer for each message.
    timer: Option<Timer>,
    /// How many bytes have come of a message that has not come whole.
    partial_bytes: usize,
    receiving: Option<Box<Receiving>>,
}

/// How long the peer may keep us waiting, and how much memory there is for what has not come whole.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// For taking anything at all of what is due to it.
    pub(crate) stall: Duration,
    /// For the whole closing handshake.
    pub(crate) close: Duration,
    /// For sending the whole of a message, once more of it has come than is read at a time.
    pub(crate) message: Duration,
    pub(crate) partials: Arc<Partials>,
}

/// A message of which more has come than is read at a time.
struct Receiving {
    partial: Partial,
    timer: Pin<Box<Sleep>>,
}

/// What the connection waits for with a deadline. Idle connections have none, and own no timer.
enum Wait {
    Nothing,
    /// When the peer has taken nothing of what is queued for it.
    Stalled(Pin<Box<Sleep>>),
    /// When the closing handshake is not over.
    Closing(Pin<Box<Sleep>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin, E: Endpoint> Connection<S, E> {
    pub(crate) fn new(
        io: S,
        websocket: WebSocket,
        mut endpoint: E,
        (counted, traffic): (Counted, Traffic),
        told: Told,
        bounds: Bounds,
    ) -> Self {
        let mut outbox = Outbox::default();
        endpoint.on_open(&mut outbox);
        Self {
            io,
            websocket,
            outbox,
            flushed: true,
            endpoint,
            counted,
            traffic,
            told,
            half_closed: false,
            bounds,
            wait: Wait::Nothing,
            timer: None,
            partial_bytes: 0,
            receiving: None,
        }
    }

    /// Moves bytes until neither direction can; ready when the connection is over.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.websocket.state() == State::Open
                && let Err(code) = self.endpoint.poll_frames(cx, &mut self.outbox)
            {
                self.websocket.close(code, &mut self.outbox);
            }
            // Then there may be more to send than fitted in, or more to read than was taken.
            let was_full = self.outbox.is_full();
            let written = self.poll_write(cx)?;
            if self.poll_finish(cx)?.is_ready() {
                return Poll::Ready(Ok(()));
            }
            match self.poll_read(cx)? {
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Pending if !was_full || written.is_pending() => return Poll::Pending,
                _ => {}
            }
        }
    }

    /// Ready when something was written; pending, with the task to be woken, when the peer takes no more or nothing is due.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.outbox.len();
        let mut progress = Poll::Pending;
        while !self.outbox.is_empty() {
            match self.outbox.poll_write(&mut self.io, cx)? {
                Poll::Ready(()) => progress = Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        if progress.is_ready() {
            let (written, is_all) = (before - self.outbox.len(), self.outbox.is_empty());
            self.traffic.on_written(written, is_all, &mut self.outbox.tally);
        }
        if progress.is_ready() || !self.flushed {
            self.flushed = Pin::new(&mut self.io).poll_flush(cx)?.is_ready();
            if self.flushed {
                progress = Poll::Ready(Ok(()));
            }
        }
        if progress.is_ready() && matches!(self.wait, Wait::Stalled(_)) {
            self.wait = Wait::Nothing;
        }
        progress
    }

    /// Whether the peer has yet to take something.
    fn is_behind(&self) -> bool {
        !self.outbox.is_empty() || !self.flushed
    }

    /// Ready when all is written and the peer has no more to say. Where it failed, it may still be talking: its bytes
    /// are read and dropped until it ends, since a socket closed with unread input resets the connection, and the peer
    /// might never see our close frame.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = self.websocket.state();
        if self.is_behind() || !matches!(state, State::Ended(_) | State::Failed(_)) {
            return Poll::Pending;
        }
        if !self.half_closed {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
            self.half_closed = true;
        }
        if matches!(state, State::Ended(_)) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Ready with the number of bytes read, 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.websocket.state() == State::Open && !self.takes_input() {
            // What the peer sends waits in its own buffers.
            return Poll::Pending;
        }
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        let mut input = buffer.filled();
        let mut messages = 0;
        while let Some(message) = self.websocket.handle_input(&mut input, &mut self.outbox) {
            messages += 1;
            if let Err(code) = self.endpoint.on_message(message, &mut self.outbox) {
                self.websocket.close(code, &mut self.outbox);
            }
        }
        let count = buffer.filled().len();
        self.traffic.on_read(count, &mut self.outbox.tally);
        self.on_received(messages, count);
        Poll::Ready(Ok(count))
    }

    /// So many bytes were read, and so many messages ended in them.
    fn on_received(&mut self, messages: u32, count: usize) {
        let controls = self.websocket.take_controls();
        let frames = self.endpoint.frames_in(messages) + controls.frames;
        self.endpoint.throttle().add(Owed {
            frames,
            // It is at most what is read at a time.
            bytes: count as u32,
        });
        self.partial_bytes = match messages {
            0 => (self.partial_bytes + count).saturating_sub(controls.bytes),
            // What follows a message in one read is no more than is read at a time.
            _ => 0,
        };
        if self.websocket.state() != State::Open {
            return;
        }
        if self.partial_bytes <= FREE_BYTES {
            self.receiving = None;
            return;
        }
        let bounds = &self.bounds;
        let receiving = self.receiving.get_or_insert_with(|| {
            Box::new(Receiving {
                partial: bounds.partials.begin(),
                timer: after(bounds.message),
            })
        });
        if receiving.partial.set(self.partial_bytes) == Err(NoMemory) {
            self.websocket.fail(CloseCode::TRY_AGAIN_LATER, &mut self.outbox);
        }
    }

    /// Ready when a message has taken too long to come whole.
    fn poll_receiving(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(receiving) = &mut self.receiving else {
            return Poll::Pending;
        };
        if self.websocket.state() != State::Open {
            return Poll::Pending;
        }
        ready!(receiving.timer.as_mut().poll(cx));
        self.websocket.fail(CloseCode::SILENT, &mut self.outbox);
        Poll::Ready(())
    }

    /// Whether more is to be read: not before the peer has read, and not beyond what its rates let it send.
    fn takes_input(&mut self) -> bool {
        !self.outbox.is_full() && self.endpoint.takes_input() && self.endpoint.throttle().takes_input()
    }

    /// Ready when the endpoint was told of a deadline, and there may be something to write.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.websocket.state() != State::Open {
                return Poll::Pending;
            }
            let throttled = self.endpoint.throttle().deadline();
            let Some(deadline) = self.endpoint.deadline().into_iter().chain(throttled).min() else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Timer::new(deadline));
            if timer.at() > deadline {
                timer.set(deadline);
            }
            ready!(timer.poll(cx));
            if timer.at() < deadline {
                timer.set(deadline);
                continue;
            }
            self.timer = None;
            self.endpoint.throttle().on_deadline();
            if let Err(code) = self.endpoint.on_deadline(&mut self.outbox) {
                self.websocket.close(code, &mut self.outbox);
            }
            return Poll::Ready(());
        }
    }

    /// Ready when the peer has kept us waiting for too long, after which there is no more to do.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_behind = self.is_behind();
        loop {
            match (&mut self.wait, self.websocket.state()) {
                (Wait::Closing(sleep), _) => return sleep.as_mut().poll(cx),
                (_, State::ClosedByUs(_) | State::Ended(_) | State::Failed(_)) => {
                    self.counted.on_closing();
                    self.wait = Wait::Closing(after(self.bounds.close));
                }
                (Wait::Nothing, State::Open) if !is_behind => return Poll::Pending,
                (Wait::Nothing, State::Open) => self.wait = Wait::Stalled(after(self.bounds.stall)),
                (Wait::Stalled(sleep), State::Open) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.websocket.close(CloseCode::STALLED, &mut self.outbox);
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, E: Endpoint> Future for Connection<S, E> {
    /// Why the connection ended: the code of who closed first, or 1006 when there was no close frame.
    type Output = CloseCode;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseCode> {
        let this = &mut *self;
        if this.websocket.state() == State::Open {
            let told = match this.told.poll(cx) {
                Due::Nothing => Ok(()),
                Due::EndIn(left) => this.endpoint.on_drain(left, &mut this.outbox),
                Due::EndNow => this.endpoint.finish(&mut this.outbox),
            };
            if let Err(code) = told {
                this.websocket.close(code, &mut this.outbox);
            }
        }
        let over = loop {
            if this.poll_io(cx).is_ready() {
                break true;
            }
            if this.poll_deadline(cx).is_pending() && this.poll_receiving(cx).is_pending() {
                break this.poll_wait(cx).is_ready();
            }
        };
        if !over {
            return Poll::Pending;
        }
        let code = match this.websocket.state() {
            State::Open => CloseCode::ABNORMAL,
            State::ClosedByUs(code) | State::Ended(code) | State::Failed(code) => code,
        };
        this.traffic.end(code);
        Poll::Ready(code)
    }
}

fn after(duration: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(Instant::now() + duration))
}

#[cfg(test)]
mod tests;
