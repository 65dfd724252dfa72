//! Whether a server that has served many has more memory than one that has served some.

use std::{net::Ipv4Addr, time::Duration};

use tidewire_protocol::{
    CloseCode, Sequence,
    frame::{ClientFrame, Close, Payload, Publish, Start},
};
use tokio::{task::JoinSet, time::sleep};

use crate::{Process, UNLIMITED, Wire, wire::Heard};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Leaks {
    /// How many clients come and go: half of them say farewell, the others are cut off.
    pub connects: u64,
    /// How many messages are published, in ten rooms.
    pub messages: u64,
    /// Memory is looked at after so many parts of each.
    pub parts: u64,
}

/// Resident memory of a server at rest.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// How many clients have come and gone.
    pub connects: u64,
    /// How many messages were published.
    pub messages: u64,
    /// How much memory it has.
    pub bytes: usize,
}

impl Leaks {
    /// Runs it in parts, first all connects, then all messages; `progress` is told what the server has after each.
    ///
    /// # Panics
    ///
    /// When the server does anything that it should not.
    pub async fn run(&self, mut progress: impl FnMut(Resident)) -> Vec<Resident> {
        let brief = ["--session-ttl", "200ms", "--room-age", "200ms"];
        let server = Process::start(&[&brief[..], &UNLIMITED].concat(), &[("TIDEWIRE_LOG", "warn")]).await;
        let mut samples = Vec::new();
        for part in 1..=2 * self.parts {
            let (connects, messages) = if part <= self.parts {
                come_and_go(&server, self.connects / self.parts).await;
                (self.connects / self.parts * part, 0)
            } else {
                talk(&server, self.messages / self.parts).await;
                (self.connects, self.messages / self.parts * (part - self.parts))
            };
            let sample = Resident {
                connects,
                messages,
                bytes: at_rest(&server).await,
            };
            progress(sample);
            samples.push(sample);
        }
        samples
    }

    /// How many bytes more there were in the end than after the first part, of connects and of messages.
    #[must_use]
    pub fn growth(samples: &[Resident]) -> [i64; 2] {
        let grown = |part: &[Resident]| match part {
            [first, .., last] => last.bytes as i64 - first.bytes as i64,
            _ => 0,
        };
        let (connects, messages) = samples.split_at(samples.len() / 2);
        [grown(connects), grown(messages)]
    }
}

/// Clients that join, subscribe, say something and leave.
async fn come_and_go(server: &Process, count: u64) {
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let address = server.address;
        // A port that was left stays taken for a minute, and an address has 28,000 of them: each worker has its own.
        let source = Ipv4Addr::new(127, 0, 2, worker + 1);
        workers.spawn(async move {
            for number in 0..count / u64::from(WORKERS) {
                let mut wire = Wire::open_from(source, address).await;
                wire.hello(None, 1, 0).await;
                wire.subscribe(1, &room(number), Start::Last(5)).await;
                wire.publish(1, &room(number), "hello").await;
                wire.published(1).await;
                if number % 2 == 0 {
                    let reason = "";
                    let code = CloseCode::NORMAL;
                    wire.say(ClientFrame::Close(Close { code, reason })).await;
                    wire.closed().await;
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("no panic");
    }
}

/// One who speaks in ten rooms, and in each one who listens.
async fn talk(server: &Process, count: u64) {
    let (mut speaker, _) = Wire::join(server.address).await;
    let mut listeners = JoinSet::new();
    let each = count / ROOMS;
    for number in 0..ROOMS {
        let (mut wire, _) = Wire::join(server.address).await;
        wire.subscribe(1, &room(number), Start::Now).await;
        listeners.spawn(async move {
            for _ in 0..each {
                wire.message().await;
            }
        });
    }
    let last = each * ROOMS;
    let mut batch = Vec::new();
    let mut sequence = 0;
    while sequence < last {
        let end = last.min(sequence + BATCH);
        batch.clear();
        for sequence in sequence + 1..=end {
            let room = room(sequence);
            let publish = Publish {
                sequence: Sequence(sequence),
                room: &room,
                payload: Payload::Text(TEXT),
            };
            tidewire_protocol::Frame::encode(&ClientFrame::Publish(publish), &mut batch);
        }
        sequence = end;
        speaker.say_bytes(&batch).await;
        while !matches!(speaker.next().await, Heard::Published(answered, _) if answered.0 == end) {}
    }
    while let Some(ended) = listeners.join_next().await {
        ended.expect("no panic");
    }
}

/// The server's memory once its sessions have expired and its rooms are empty, which takes a second or so here.
async fn at_rest(server: &Process) -> usize {
    sleep(Duration::from_millis(1500)).await;
    server.resident_bytes()
}

fn room(number: u64) -> String {
    format!("room {}", number % ROOMS)
}

const WORKERS: u8 = 8;
const ROOMS: u64 = 10;

/// So many publishes wait for their answers.
const BATCH: u64 = 500;

const TEXT: &str = "A message of some length, such as people write: not too long, and not too short.";
