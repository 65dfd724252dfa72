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
mod tests {
    use super::*;
    use crate::{
        access::Guest,
        clock::Clock,
        drain::Drain,
        limits::{Rate, Rates},
        metrics::Metrics,
        plain::Echo,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, BufStream, DuplexStream, duplex},
        task::JoinHandle,
        time::timeout,
    };

    const STALL: Duration = Duration::from_secs(30);
    const CLOSE: Duration = Duration::from_secs(3);
    const MESSAGE: Duration = Duration::from_secs(60);
    const PARTIALS: usize = 100_000;
    const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];
    const PONG: [u8; 2] = [0x8a, 0];

    /// An echo over memory that holds 1 KiB each way.
    fn start() -> (DuplexStream, Arc<Drain>, JoinHandle<CloseCode>) {
        start_with(Throttle::new(None))
    }

    fn start_with(throttle: Throttle) -> (DuplexStream, Arc<Drain>, JoinHandle<CloseCode>) {
        let (peer, io) = duplex(1024);
        let (drain, task) = start_over(io, throttle);
        (peer, drain, task)
    }

    fn start_over(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        throttle: Throttle,
    ) -> (Arc<Drain>, JoinHandle<CloseCode>) {
        let drain = Arc::new(Drain::default());
        let websocket = WebSocket::new(1 << 20);
        let counted = Counted::new(Arc::default());
        let metrics = Arc::new(Metrics::new(Clock::new()));
        let traffic = Traffic::begin(&metrics, Path::Echo, None);
        let bounds = Bounds {
            stall: STALL,
            close: CLOSE,
            message: MESSAGE,
            partials: Partials::new(Some(PARTIALS)),
        };
        let connection = Connection::new(
            io,
            websocket,
            Echo::new(Guest::default(), throttle),
            (counted, traffic),
            drain.tell(),
            bounds,
        );
        (drain, tokio::spawn(connection))
    }

    /// Sends pings until the connection takes no more, and returns how many bytes it took.
    async fn fill(peer: &mut DuplexStream) -> usize {
        let mut taken = 0;
        while timeout(Duration::from_secs(1), peer.write_all(&PING)).await.is_ok() {
            taken += PING.len();
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_pings_and_never_reads_is_not_read_for_ever() {
        let (mut peer, _drain, _task) = start();
        let taken = fill(&mut peer).await;
        let pongs = taken / PING.len() * PONG.len();
        assert!(pongs >= crate::outbox::HIGH_WATER, "{pongs} bytes of answers");
        assert!(
            pongs <= crate::outbox::HIGH_WATER + READ_BYTES,
            "{pongs} bytes of answers"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_closed_after_the_stall_timeout() {
        let (mut peer, _drain, task) = start();
        let begun = Instant::now();
        fill(&mut peer).await;
        assert_eq!(task.await.expect("its end"), CloseCode::STALLED);
        assert_eq!(begun.elapsed(), STALL + CLOSE);
    }

    /// As TLS has it, and here for as long as nobody flushes.
    #[tokio::test(start_paused = true)]
    async fn what_a_stream_holds_back_is_flushed_and_counts_as_not_taken() {
        let (mut peer, io) = duplex(4);
        let (_shutdown, task) = start_over(BufStream::new(io), Throttle::new(None));
        let begun = Instant::now();
        for _ in 0..2 {
            peer.write_all(&PING).await.expect("taken");
            let mut pong = [0; PONG.len()];
            let came = timeout(Duration::from_secs(1), peer.read_exact(&mut pong)).await;
            came.expect("in time").expect("a pong");
        }
        // The duplex holds two of these, and the stream has the third.
        for _ in 0..3 {
            peer.write_all(&PING).await.expect("taken");
        }
        let ended = timeout(2 * STALL, task).await.expect("in time");
        assert_eq!(ended.expect("its end"), CloseCode::STALLED);
        assert_eq!(begun.elapsed(), STALL + CLOSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_something_in_time_is_not_closed() {
        let (mut peer, _drain, task) = start();
        fill(&mut peer).await;
        for _ in 0..10 {
            tokio::time::advance(STALL - Duration::from_secs(2)).await;
            peer.read_exact(&mut [0; 64]).await.expect("pongs");
            assert!(!task.is_finished());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_again_while_it_is_being_closed_finds_the_reason() {
        let (mut peer, _drain, task) = start();
        fill(&mut peer).await;
        // The virtual clock stops at the connection's deadline on its way.
        sleep_until(Instant::now() + STALL).await;
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.expect("all of it");
        let mut expected = vec![0x88, 9];
        expected.extend(4101_u16.to_be_bytes());
        expected.extend(b"stalled");
        assert!(rest.ends_with(&expected), "{:?}", &rest[rest.len() - 16..]);
        drop(peer);
        assert_eq!(task.await.expect("its end"), CloseCode::STALLED);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_answer_our_close_frame_is_dropped() {
        let (mut peer, drain, task) = start();
        let begun = Instant::now();
        drain.begin(Duration::ZERO);
        drain.begin_turns();
        let mut close = [0; 4];
        peer.read_exact(&mut close).await.expect("a close frame");
        assert_eq!(close, [0x88, 12, 0x03, 0xe9]);
        assert_eq!(task.await.expect("its end"), CloseCode::GOING_AWAY);
        assert_eq!(begun.elapsed(), CLOSE);
    }

    /// An echo of whom so many messages and bytes are taken.
    fn start_limited(messages: Option<Rate>, bytes: Option<Rate>) -> (DuplexStream, Arc<Drain>, JoinHandle<CloseCode>) {
        let rates = Rates::new(messages, bytes, Clock::new());
        start_with(Throttle::of_connection(None, &rates))
    }

    /// Sends a ping and waits for its answer; returns how long that took.
    async fn ping(peer: &mut DuplexStream) -> Duration {
        let begun = Instant::now();
        peer.write_all(&PING).await.expect("taken");
        let mut pong = [0; PONG.len()];
        peer.read_exact(&mut pong).await.expect("a pong");
        assert_eq!(pong, PONG);
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_one_frame_too_many_is_read_again_when_it_is_time() {
        // Of any frames there are twice as many as of messages.
        let (mut peer, _drain, _task) = start_limited(Rate::new(5, 5), None);
        for _ in 0..11 {
            assert_eq!(ping(&mut peer).await, Duration::ZERO);
        }
        // The last was read already, and is paid for now.
        assert_eq!(ping(&mut peer).await, Duration::from_millis(100));
        assert_eq!(ping(&mut peer).await, Duration::from_millis(100));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(ping(&mut peer).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_too_many_bytes_is_read_again_when_it_is_time() {
        let (mut peer, _drain, _task) = start_limited(None, Rate::new(60, 60));
        for _ in 0..11 {
            assert_eq!(ping(&mut peer).await, Duration::ZERO);
        }
        assert_eq!(ping(&mut peer).await, Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_flood_no_more_is_read_than_is_paid_for() {
        let (mut peer, _drain, _task) = start_limited(None, Rate::new(1024, 1024));
        let begun = Instant::now();
        for _ in 0..10 {
            peer.write_all(&[PING; 500].concat()).await.expect("taken");
        }
        // Of 30,000 bytes a second's worth was free, one read was not paid for before, and 1 KiB is still on its way.
        assert!(begun.elapsed() > Duration::from_secs(25), "{:?}", begun.elapsed());
    }

    /// The beginning of a message of so many bytes, in one frame, and so many of them.
    fn begun(length: u64, bytes: usize) -> Vec<u8> {
        let mut frame = vec![0x82, 0xff];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.resize(frame.len() + bytes, b'x');
        frame
    }

    /// The code of the close frame that ends all that is to be read.
    async fn close_code(mut peer: DuplexStream) -> u16 {
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.expect("all of it");
        let length = usize::from(rest[1]);
        assert_eq!((rest[0], rest.len()), (0x88, 2 + length));
        u16::from_be_bytes([rest[2], rest[3]])
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_come_whole_in_time_is_not_waited_for() {
        let (mut peer, _drain, task) = start();
        let begun_at = Instant::now();
        peer.write_all(&begun(100_000, 30_000)).await.expect("taken");
        let code = close_code(peer).await;
        assert_eq!(code, CloseCode::SILENT.0);
        assert_eq!(begun_at.elapsed(), MESSAGE);
        assert_eq!(task.await.expect("its end"), CloseCode::SILENT);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_no_part_of_a_message() {
        let (mut peer, _drain, task) = start();
        let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
        ping.resize(6 + 125, 0);
        let mut pong = [0; 2 + 125];
        for _ in 0..1000 {
            peer.write_all(&ping).await.expect("taken");
            peer.read_exact(&mut pong).await.expect("a pong");
        }
        tokio::time::advance(2 * MESSAGE).await;
        peer.write_all(&ping).await.expect("taken");
        peer.read_exact(&mut pong).await.expect("a pong");
        assert!(!task.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_for_which_there_is_no_memory_ends_its_connection() {
        for (more, expected) in [(0, None), (1, Some(CloseCode::TRY_AGAIN_LATER.0))] {
            let (mut peer, _drain, task) = start();
            let begun = begun(1 << 20, FREE_BYTES + PARTIALS - 14 + more);
            peer.write_all(&begun).await.expect("taken");
            match expected {
                Some(code) => assert_eq!(close_code(peer).await, code),
                None => assert!(timeout(MESSAGE / 2, peer.read_u8()).await.is_err() && !task.is_finished()),
            }
        }
    }

    #[tokio::test]
    async fn a_stream_that_ends_without_a_close_frame_is_told_apart() {
        let (peer, _drain, task) = start();
        drop(peer);
        assert_eq!(task.await.expect("its end"), CloseCode::ABNORMAL);
    }
}
