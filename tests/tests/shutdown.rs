//! SIGINT and SIGTERM: everyone is told, and the process ends in time.

use std::time::{Duration, Instant};

use tidewire_protocol::CloseCode;
use tidewire_tests::{Client, Process, Raw};
use tokio::net::TcpStream;

/// What the binary promises.
const EXIT_DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_signal_closes_websockets_with_1001_and_exits_with_0() {
    for signal in ["INT", "TERM"] {
        let process = Process::start(&["--drain", "0s"], &[]).await;
        let mut echo = Client::connect(process.address, "/echo").await;
        let mut chat = Client::connect(process.address, "/chat").await;
        chat.text().await;
        process.signal(signal).await;
        assert_eq!(
            (echo.closed().await, chat.closed().await),
            (CloseCode::GOING_AWAY, CloseCode::GOING_AWAY)
        );
        let (status, _, _) = process.ended().await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test]
async fn clients_that_do_not_answer_do_not_hold_the_exit_up() {
    let process = Process::start(&["--drain", "0s"], &[]).await;
    let mut silent = Raw::upgraded(process.address, "/echo").await;
    let mut half_a_request = Raw::connect(process.address).await;
    half_a_request.send(b"GET / HTTP/1.1\r\n").await;
    let asked = Instant::now();
    process.signal("TERM").await;
    let (status, _, _) = process.ended().await;
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < EXIT_DEADLINE, "{:?}", asked.elapsed());
    assert_eq!(silent.frame().await.and_then(|frame| frame.close_code()), Some(1001));
}

#[tokio::test]
async fn a_server_that_shuts_down_accepts_no_more() {
    let process = Process::start(&["--drain", "0s", "--close-timeout", "60s"], &[]).await;
    let mut silent = Raw::upgraded(process.address, "/echo").await;
    process.signal("TERM").await;
    assert_eq!(silent.frame().await.and_then(|frame| frame.close_code()), Some(1001));
    // The listener may outlive the close frames by a moment.
    let refused = async { while TcpStream::connect(process.address).await.is_ok() {} };
    tidewire_tests::within(refused).await;
}
