//! Receivers that stop reading: nobody waits for them, and they cost a bounded amount of memory.

use std::time::Duration;

use peak_alloc::PeakAlloc;
use tidewire_protocol::CloseCode;
use tidewire_server::Settings;
use tidewire_tests::{Client, DEADLINE, Frame, Raw, Server};
use tokio::sync::{Mutex, MutexGuard};

/// What one test allocates must not be counted for another.
static ALONE: Mutex<()> = Mutex::const_new(());

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MESSAGE: usize = 16 << 10;

/// What a connection may hold beside the room's log: `docs/ARCHITECTURE.md`, Bounds.
const PER_CONNECTION: usize = (64 << 10) + MESSAGE + (32 << 10);

async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

fn server(backlog: usize) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.backlog_bytes = backlog;
        settings.stall_timeout = 4 * DEADLINE;
    }
}

/// Says `count` messages of [`MESSAGE`] bytes, each awaited by a receiver that keeps up.
async fn talk(sender: &mut Client, quick: &mut Client, count: usize) {
    for number in 0..count {
        let said = format!("{number:0>MESSAGE$}");
        sender.send(said.clone()).await;
        assert!(sender.text().await.ends_with(&said));
        assert!(quick.text().await.ends_with(&said), "message {number}");
    }
}

async fn joined(server: &Server) -> Client {
    let mut client = server.connect("/chat").await;
    client.text().await;
    client
}

#[tokio::test]
async fn a_receiver_that_fell_behind_the_backlog_is_closed_with_4100_and_the_others_miss_nothing() {
    let _alone = alone().await;
    let server = Server::start(server(1 << 20));
    let mut slow = Client::connect_with_small_buffer(server.address(), "/chat").await;
    let (mut sender, mut quick) = (joined(&server).await, joined(&server).await);
    // More than the kernel's buffers on both sides, the connection's own and the backlog can hold together.
    talk(&mut sender, &mut quick, 1024).await;
    assert_eq!(slow.closed().await, CloseCode::FELL_BEHIND);
    server.wait_for_open(2).await;
}

#[tokio::test]
async fn a_receiver_that_is_behind_but_within_the_backlog_gets_everything() {
    let _alone = alone().await;
    let server = Server::start(server(64 << 20));
    let mut slow = Client::connect_with_small_buffer(server.address(), "/chat").await;
    let (mut sender, mut quick) = (joined(&server).await, joined(&server).await);
    talk(&mut sender, &mut quick, 512).await;
    slow.text().await;
    for number in 0..512 {
        assert_eq!(slow.text().await, format!("Broadcast: {number:0>MESSAGE$}"));
    }
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_for_the_stall_timeout_is_closed_with_4101() {
    let _alone = alone().await;
    let server = Server::start(|settings| {
        settings.backlog_bytes = 64 << 20;
        settings.stall_timeout = Duration::from_millis(200);
        settings.close_timeout = DEADLINE;
    });
    let mut slow = Client::connect_with_small_buffer(server.address(), "/chat").await;
    let (mut sender, mut quick) = (joined(&server).await, joined(&server).await);
    talk(&mut sender, &mut quick, 512).await;
    let mut connections = server.tidewire().connections();
    tidewire_tests::within(connections.wait_for(|it| it.closing == 1))
        .await
        .expect("the server runs");
    assert_eq!(slow.closed().await, CloseCode::STALLED);
}

#[tokio::test]
async fn stalled_receivers_hold_no_more_memory_than_documented() {
    let _alone = alone().await;
    const STALLED: usize = 50;
    const BACKLOG: usize = 2 << 20;
    let server = Server::start(server(BACKLOG));
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        stalled.push(Raw::upgraded(server.address(), "/chat").await);
    }
    let (mut sender, mut quick) = (joined(&server).await, joined(&server).await);
    talk(&mut sender, &mut quick, 1).await;

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    // 50 receivers of 48 MiB each: 2.4 GiB, if they were queued.
    talk(&mut sender, &mut quick, 3072).await;
    let grown = MEMORY.peak_usage() - before;
    // The two clients that read are in this process too.
    let bound = BACKLOG + (STALLED + 4) * PER_CONNECTION;
    assert!(
        grown <= bound,
        "{grown} bytes more than before, over the bound of {bound}"
    );
    drop(stalled);
}

#[tokio::test]
async fn a_frame_header_that_claims_2_to_the_62_bytes_allocates_nothing() {
    let _alone = alone().await;
    let server = Server::start_default();
    for length in [(1 << 20) + 1, 1 << 40, 1 << 62, u64::MAX] {
        let mut raw = Raw::upgraded(server.address(), "/echo").await;
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        raw.send(&Frame::new(Frame::BINARY, b"").masked_header(length)).await;
        assert_eq!(raw.closed().await, 1009, "{length}");
        let grown = MEMORY.peak_usage().saturating_sub(before);
        // The smallest claim is over 1 MiB.
        assert!(grown < 64 << 10, "{grown} bytes for a header that claims {length}");
    }
}

#[tokio::test]
async fn a_client_that_pings_and_never_reads_holds_a_bounded_amount() {
    let _alone = alone().await;
    let server = Server::start(server(1 << 20));
    let mut raw = Raw::upgraded(server.address(), "/echo").await;
    let pings = Frame::new(Frame::PING, &[0; 125]).masked().repeat(1000);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    // Ends when the server reads no more: the kernel's buffers are full then, in both directions.
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(500), raw.send(&pings))
        .await
        .is_ok()
    {
        sent += pings.len();
        assert!(sent < 1 << 30, "a server that reads on and on");
    }
    let grown = MEMORY.peak_usage() - before;
    assert!(grown <= 2 * PER_CONNECTION, "{grown} bytes after {sent} bytes of pings");
}
