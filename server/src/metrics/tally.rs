//! What one connection has received and sent, for the metrics and for the line in the log at its end.

use std::{cell::Cell, net::IpAddr, sync::Arc};

use tidewire_protocol::{CloseCode, Instant};
use tracing::{debug, info};

use super::{Metrics, Path};

/// What was moved since it was last looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    received: u32,
    sent: u32,
    /// When the oldest of a write that is measured was appended.
    since: Option<Instant>,
}

impl Tally {
    /// A message or a signal came in.
    pub(crate) fn on_received(&mut self) {
        self.received = self.received.saturating_add(1);
    }

    /// A message or a signal is to be sent that has no place in a log.
    pub(crate) fn on_sent(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.sent = self.sent.saturating_add(count);
    }

    /// Messages of a log are to be sent, the oldest of them appended at that moment.
    pub(crate) fn on_read(&mut self, count: u64, oldest: Instant) {
        self.on_sent(usize::try_from(count).unwrap_or(usize::MAX));
        if self.since.is_none() && is_measured() {
            self.since = Some(oldest);
        }
    }
}

/// Whether this write is one of those whose latency is measured.
fn is_measured() -> bool {
    thread_local! {
        static READS: Cell<u32> = const { Cell::new(0) };
    }
    READS.with(|reads| {
        let count = reads.get();
        reads.set(count.wrapping_add(1));
        count % MEASURED_ONE_OF == 0
    })
}

const MEASURED_ONE_OF: u32 = 64;

/// What a connection has received and sent, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Traffic {
    metrics: Arc<Metrics>,
    path: Path,
    address: Option<IpAddr>,
    opened: Instant,
    totals: Totals,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    received: u64,
    sent: u64,
    received_bytes: u64,
    sent_bytes: u64,
}

impl Traffic {
    /// Counts a connection until it is dropped.
    pub(crate) fn begin(metrics: &Arc<Metrics>, path: Path, address: Option<IpAddr>) -> Self {
        let flow = metrics.flow(path);
        flow.connections.inc();
        flow.opened.inc();
        Self {
            path,
            address,
            opened: metrics.clock.now(),
            metrics: Arc::clone(metrics),
            totals: Totals::default(),
            is_over: false,
        }
    }

    /// So many bytes came in, and with them what the tally says.
    pub(crate) fn on_read(&mut self, bytes: usize, tally: &mut Tally) {
        self.totals.received_bytes += bytes as u64;
        self.metrics.flow(self.path).received_bytes.inc_by(bytes as u64);
        let received = u64::from(std::mem::take(&mut tally.received));
        if received > 0 {
            self.totals.received += received;
            self.metrics.flow(self.path).received.inc_by(received);
        }
    }

    /// So many bytes were written; where nothing is left to write, `is_all`.
    pub(crate) fn on_written(&mut self, bytes: usize, is_all: bool, tally: &mut Tally) {
        let flow = self.metrics.flow(self.path);
        self.totals.sent_bytes += bytes as u64;
        flow.sent_bytes.inc_by(bytes as u64);
        let sent = u64::from(std::mem::take(&mut tally.sent));
        if sent > 0 {
            self.totals.sent += sent;
            flow.sent.inc_by(sent);
        }
        if is_all && let Some(since) = tally.since.take() {
            let latency = self.metrics.clock.now() - since;
            self.metrics.latency.observe(latency.as_secs_f64());
        }
    }
}

impl Traffic {
    /// It has ended, with the code of who closed first.
    pub(crate) fn end(&mut self, code: CloseCode) {
        self.is_over = true;
        self.metrics.on_closed(self.path, code);
        let Self { path, address, .. } = self;
        let (code, reason, age) = (code.0, code.meaning(), self.metrics.clock.now() - self.opened);
        let Totals {
            received,
            sent,
            received_bytes,
            sent_bytes,
        } = self.totals;
        match path {
            // A client that polls has one after another, which are told together when there are no more.
            Path::Poll => debug!(
                ?address,
                code,
                ?age,
                received,
                sent,
                received_bytes,
                sent_bytes,
                "poll answered"
            ),
            Path::Echo | Path::Chat | Path::Ws => info!(
                %path, ?address, code, reason, ?age, received, sent, received_bytes, sent_bytes, "connection ended"
            ),
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        if !self.is_over {
            // Dropped as it was, as when the client of a poll has gone.
            self.end(CloseCode::ABNORMAL);
        }
        self.metrics.flow(self.path).connections.dec();
    }
}

/// The polls of a session, one after another, which are one transport.
#[derive(Debug)]
pub(crate) struct Run {
    metrics: Arc<Metrics>,
    address: Option<IpAddr>,
    began: Instant,
    polls: u64,
    totals: Totals,
}

impl Run {
    /// One that begins with this poll.
    pub(crate) fn begin(poll: &Traffic) -> Self {
        Self {
            metrics: Arc::clone(&poll.metrics),
            address: poll.address,
            began: poll.opened,
            polls: 0,
            totals: Totals::default(),
        }
    }

    /// This poll belongs to it.
    pub(crate) fn add(&mut self, poll: &Traffic) {
        let (sum, more) = (&mut self.totals, &poll.totals);
        self.polls += 1;
        self.address = poll.address;
        sum.received += more.received;
        sum.sent += more.sent;
        sum.received_bytes += more.received_bytes;
        sum.sent_bytes += more.sent_bytes;
    }

    /// There are no more.
    pub(crate) fn end(&self, code: CloseCode) {
        let (polls, address, path) = (self.polls, &self.address, Path::Poll);
        let (code, reason, age) = (code.0, code.meaning(), self.metrics.clock.now() - self.began);
        let Totals {
            received,
            sent,
            received_bytes,
            sent_bytes,
        } = self.totals;
        info!(
            %path, ?address, code, reason, ?age, polls, received, sent, received_bytes, sent_bytes, "connection ended"
        );
    }
}
