//! One client that stops reading among many that go on.

use std::time::Duration;

use tidewire_protocol::{
    Offset,
    frame::{GapCause, Start},
};
use tokio::time::{MissedTickBehavior, interval};

use super::audience::{Audience, Stamp};
use crate::{Process, UNLIMITED, Wire, wire::Heard as Frame, within};

/// A room in which somebody speaks at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Stalled {
    /// How many listen.
    pub receivers: usize,
    /// How many messages are said.
    pub messages: u64,
    /// How long each is.
    pub bytes: usize,
    /// From one to the next.
    pub interval: Duration,
}

/// What the others heard, and what it cost the server.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// From a message's publish to its receipt, of half of the deliveries.
    pub p50: Duration,
    /// The same, of 99 of 100.
    pub p99: Duration,
    /// How much more resident memory the server had at the worst moment than before the first message.
    pub grown_bytes: usize,
    /// The messages that the one missed who had stopped reading: the first and the last.
    pub gap: Option<(Offset, Offset)>,
}

impl Stalled {
    /// Runs it without anybody who stops reading.
    pub async fn run_without(&self) -> Heard {
        self.run(false).await
    }

    /// Runs it with one more who stops reading, and reads on when all is said.
    ///
    /// # Panics
    ///
    /// When anybody misses anything, or when it misses anything that no gap tells of.
    pub async fn run_with(&self) -> Heard {
        self.run(true).await
    }

    async fn run(&self, is_stalled: bool) -> Heard {
        // Only memory may put an end to it here.
        let patient = ["--stall-timeout", "1h", "--silence-timeout", "1h"];
        let server = Process::start(&[&patient[..], &UNLIMITED].concat(), &[("TIDEWIRE_LOG", "warn")]).await;
        let (last, stamp) = (Offset(self.messages), Stamp::new(self.bytes));
        let audience = Audience::join(server.address, ROOM, self.receivers, stamp, last).await;
        let mut stalled = None;
        if is_stalled {
            let mut wire = Wire::open_with_small_buffer(server.address).await;
            wire.hello(None, 1, 0).await;
            wire.subscribe(1, ROOM, Start::Now).await;
            stalled = Some(wire);
        }
        let (mut speaker, _) = Wire::join(server.address).await;
        let before = server.resident_bytes();
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for sequence in 1..=self.messages {
            ticks.tick().await;
            speaker.publish(sequence, ROOM, &stamp.text()).await;
            speaker.published(sequence).await;
        }
        let latency = audience.heard().await;
        let grown_bytes = server.peak_resident_bytes().saturating_sub(before);
        let mut gap = None;
        if let Some(wire) = stalled {
            gap = Some(self.read_on(wire, &mut speaker).await);
        }
        let quantile = |quantile| Duration::from_micros(latency.value_at_quantile(quantile));
        Heard {
            p50: quantile(0.5),
            p99: quantile(0.99),
            grown_bytes,
            gap,
        }
    }

    /// Reads all that is left, and one message that is said now.
    async fn read_on(&self, mut wire: Wire, speaker: &mut Wire) -> (Offset, Offset) {
        speaker.publish(self.messages + 1, ROOM, "and you?").await;
        let (mut next, mut gaps) = (Offset(1), Vec::new());
        while next <= Offset(self.messages + 1) {
            match wire.next().await {
                Frame::Message(said) => {
                    assert_eq!(said.offset, next);
                    next = next.next();
                }
                Frame::Gap(gap) => {
                    assert_eq!((gap.cause, gap.from), (GapCause::Evicted, next));
                    gaps.push((gap.from, gap.resume.offset));
                    next = gap.resume.offset.next();
                }
                other => panic!("{other:?}"),
            }
        }
        within(wire.round_trip()).await;
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        gaps[0]
    }
}

const ROOM: &str = "hall";
