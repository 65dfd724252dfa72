//! The task that drives one WebSocket: it reads, writes and keeps the time, and decides nothing about frames.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tidewire_protocol::CloseCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{
    outbox::Outbox,
    websocket::{Incoming, State, WebSocket},
};

/// How much is read at a time, into a buffer on the stack.
pub(crate) const READ_BYTES: usize = 16 << 10;

/// What an endpoint makes of a connection; all else is the same for each.
pub(crate) trait Endpoint: Send + Unpin + 'static {
    /// Where it is mounted, for the log.
    const PATH: &'static str;

    /// The connection is open; nothing was received yet.
    fn on_open(&mut self, _outbox: &mut Outbox) {}

    /// The peer sent a message.
    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox);

    /// Moves what others have for this connection into `outbox` until it is full or there is no more; in the second
    /// case `cx` is woken when there is. An error closes the connection.
    fn poll_frames(&mut self, _cx: &mut Context<'_>, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        Ok(())
    }
}

/// One connection from its upgrade to its end. Resolves when the TCP connection can be dropped.
pub(crate) struct Connection<S, E> {
    io: S,
    websocket: WebSocket,
    outbox: Outbox,
    endpoint: E,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    half_closed: bool,
    timeouts: Timeouts,
    wait: Wait,
}

/// How long the peer may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For taking anything at all of what is due to it.
    pub(crate) stall: Duration,
    /// For the whole closing handshake.
    pub(crate) close: Duration,
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
        shutdown: WaitForCancellationFutureOwned,
        timeouts: Timeouts,
    ) -> Self {
        let mut outbox = Outbox::default();
        endpoint.on_open(&mut outbox);
        Self {
            io,
            websocket,
            outbox,
            endpoint,
            shutdown: Box::pin(shutdown),
            half_closed: false,
            timeouts,
            wait: Wait::Nothing,
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
            let written = self.poll_write(cx)?;
            let read = self.poll_read(cx)?;
            match read {
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Pending if written.is_pending() => return Poll::Pending,
                _ => {}
            }
        }
    }

    /// Ready when something was written; pending, with the task to be woken, when the peer takes no more or nothing is due.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut progress = Poll::Pending;
        while !self.outbox.is_empty() {
            match self.outbox.poll_write(&mut self.io, cx)? {
                Poll::Ready(()) => progress = Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        if progress.is_ready() && matches!(self.wait, Wait::Stalled(_)) {
            self.wait = Wait::Nothing;
        }
        if self.outbox.is_empty() && !self.half_closed && matches!(self.websocket.state(), State::Ended(_)) {
            self.half_closed = Pin::new(&mut self.io).poll_shutdown(cx)?.is_ready();
        }
        progress
    }

    /// Ready with the number of bytes read, 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.websocket.state() == State::Open && self.outbox.is_full() {
            // The peer reads before we do: what it sends waits in its own buffers.
            return Poll::Pending;
        }
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        let mut input = buffer.filled();
        // What arrives after the end is read and dropped: a socket closed with unread input resets the connection, and
        // the peer might never see our close frame.
        while let Some(message) = self.websocket.handle_input(&mut input, &mut self.outbox) {
            self.endpoint.on_message(message, &mut self.outbox);
        }
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Ready when the peer has kept us waiting for too long, after which there is no more to do.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match (&mut self.wait, self.websocket.state()) {
                (Wait::Closing(sleep), _) => return sleep.as_mut().poll(cx),
                (_, State::ClosedByUs(_) | State::Ended(_)) => self.wait = Wait::Closing(after(self.timeouts.close)),
                (Wait::Nothing, State::Open) if self.outbox.is_empty() => return Poll::Pending,
                (Wait::Nothing, State::Open) => self.wait = Wait::Stalled(after(self.timeouts.stall)),
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
        if this.websocket.state() == State::Open && this.shutdown.as_mut().poll(cx).is_ready() {
            this.websocket.close(CloseCode::GOING_AWAY, &mut this.outbox);
        }
        let over = this.poll_io(cx).is_ready() || this.poll_wait(cx).is_ready();
        match this.websocket.state() {
            _ if !over => Poll::Pending,
            State::Open => Poll::Ready(CloseCode::ABNORMAL),
            State::ClosedByUs(code) | State::Ended(code) => Poll::Ready(code),
        }
    }
}

fn after(duration: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(Instant::now() + duration))
}
