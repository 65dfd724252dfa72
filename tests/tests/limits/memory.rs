//! Memory under attack, of the binary: it stays below its bound, who is connected goes on, and who comes is told to come later.
#![cfg(target_os = "linux")]

use http::StatusCode;
use tidewire_protocol::Sequence;
use tidewire_protocol::frame::{ClientFrame, Payload, Publish, Start};
use tidewire_tests::{
    Heard, Poller, Process, Raw, UNLIMITED, Wire,
    polls::{offsets, publish},
    until, upgrade_request, within,
};

/// Enough for what a server takes that was built for debugging, and for what comes between two looks at it.
const MAX: usize = 192 << 20;

/// A server whose memory has no other bound.
async fn server() -> Process {
    let bounds = [
        format!("--max-memory={MAX}"),
        "--max-partial-bytes=none".to_owned(),
        format!("--max-log-bytes={}", 1_usize << 40),
    ];
    let bounds: Vec<&str> = bounds.iter().map(String::as_str).collect();
    let options = [&bounds[..], &UNLIMITED].concat();
    Process::start(&options, &[("TIDEWIRE_LOG", "info")]).await
}

/// What a new WebSocket is answered.
async fn handshake(server: &Process) -> (Raw, StatusCode) {
    let mut raw = Raw::connect(server.address).await;
    let head = raw.request(&upgrade_request("/ws")).await;
    if head.status == StatusCode::SERVICE_UNAVAILABLE {
        assert!(head.header("retry-after").is_some());
    }
    (raw, head.status)
}

/// Fills rooms, far more than there is memory for.
async fn fill_rooms(server: &Process) {
    let (mut eve, _) = Wire::join(server.address).await;
    let bytes = vec![b'x'; 60_000];
    for sequence in 1..=6000_u64 {
        eve.say(ClientFrame::Publish(Publish {
            sequence: Sequence(sequence),
            room: &format!("room {}", sequence % 500),
            payload: Payload::Binary(&bytes),
        }))
        .await;
        eve.published(sequence).await;
    }
}

/// The first bytes of a message of a mebibyte.
fn half_sent() -> Vec<u8> {
    let mut frame = vec![0x82, 0xff];
    frame.extend((1_u64 << 20).to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(1_000_000, b'x');
    frame
}

/// Has more and more attackers send nearly a mebibyte each, until one is turned away.
async fn half_send(server: &Process, attackers: &mut Vec<Raw>) {
    loop {
        let (mut raw, status) = handshake(server).await;
        if status != StatusCode::SWITCHING_PROTOCOLS {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            return;
        }
        raw.send_while_taken(&half_sent()).await;
        attackers.push(raw);
    }
}

async fn goes_on(ann: &mut Wire, sequence: u64) {
    ann.publish(sequence, "lobby", "still here").await;
    let (mut is_heard, mut is_answered) = (false, false);
    while !(is_heard && is_answered) {
        match ann.next().await {
            // The other says something too.
            Heard::Message(said) => is_heard |= said.text() == "still here",
            Heard::Published(answered, _) => is_answered = answered == Sequence(sequence),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_under_attack_stays_below_its_bound_and_who_is_connected_goes_on() {
    let server = server().await;
    let (mut ann, _) = Wire::join(server.address).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let mut bob = Poller::join(server.address).await;
    fill_rooms(&server).await;
    goes_on(&mut ann, 1).await;
    let mut attackers = Vec::new();
    within(half_send(&server, &mut attackers)).await;
    goes_on(&mut ann, 2).await;
    assert!(!offsets(&bob.poll(&[publish(1, "me too")]).await).is_empty());
    let mut cid = Poller::new(server.address);
    within(async {
        // Some of them were turned away, and there may be room again.
        while cid.send(&[]).await.response().await.0.status != StatusCode::SERVICE_UNAVAILABLE {
            half_send(&server, &mut attackers).await;
        }
    })
    .await;
    goes_on(&mut ann, 3).await;
    drop(attackers);
    until(async || handshake(&server).await.1 == StatusCode::SWITCHING_PROTOCOLS).await;
    Poller::join(server.address).await;
    goes_on(&mut ann, 4).await;
    let (peak, now) = (server.peak_resident_bytes(), server.resident_bytes());
    println!("{} MiB at the most, {} MiB now", peak >> 20, now >> 20);
    assert!(peak < MAX, "{peak} bytes");
}
