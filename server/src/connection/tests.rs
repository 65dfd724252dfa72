//! Deadlines and bounds of a connection, on a virtual clock.

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
