//! What a server counts, as [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/) reads it.
//!
//! Names follow its [conventions](https://prometheus.io/docs/practices/naming/). Every series that can be known beforehand is
//! there from the start, at 0, so that a rate over it is right from its first event.

mod labels;
mod stall;
mod striped;
mod tally;

use std::fmt;

use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tidewire_protocol::{
    CloseCode,
    frame::{GapCause, Outcome, RefusalCode},
    server::Told,
};
use warp::{Reply, reply::Response};

use self::{
    labels::{Cause, Close, Denial, Dropped, Endpoint, Life, Opened, Published, Refused, RefusedRequest},
    striped::Striped,
};
pub(crate) use self::{
    labels::{Kind, Path},
    tally::{Run, Tally, Traffic},
};
use crate::{access::Denied, clock::Clock, hub::Hub, upgrade::Refusal};

/// A number that many threads count up.
type Count = Counter<u64, Striped>;

/// All that a server counts.
pub(crate) struct Metrics {
    clock: Clock,
    registry: Registry,
    paths: [Flow; Path::ALL.len()],
    closes: Family<Close, Counter>,
    requests: Family<RefusedRequest, Counter>,
    denials: Family<Denial, Counter>,
    hellos: Family<Opened, Counter>,
    publishes: Family<Published, Count>,
    duplicates: Counter,
    refusals: Family<Refused, Counter>,
    gaps: Family<Cause, Counter>,
    dropped_signals: Family<Dropped, Counter>,
    latency: Histogram,
    stall: Histogram,
    levels: Levels,
}

/// What is counted for each path.
#[derive(Clone, Debug)]
struct Flow {
    connections: Gauge,
    opened: Count,
    received: Count,
    sent: Count,
    received_bytes: Count,
    sent_bytes: Count,
}

/// What there is of something, looked up when it is asked for.
#[derive(Debug, Default)]
struct Levels {
    sessions: Family<Life, Gauge>,
    rooms: Gauge,
    log_bytes: Gauge,
}

/// What there is at a moment.
#[derive(Clone, Copy, Debug)]
struct Level {
    sessions: usize,
    /// Those of the sessions that have a connection.
    attached: usize,
    rooms: usize,
    log_bytes: usize,
}

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublishResult {
    Accepted,
    Refused,
    Unknown,
}

impl Metrics {
    pub(crate) fn new(clock: Clock) -> Self {
        let mut registry = Registry::with_prefix("tidewire");
        let add = &mut registry;
        Self {
            clock,
            paths: flows(add),
            closes: closes(add),
            requests: family(
                add,
                "requests_refused",
                "Requests for a WebSocket, polls, and requests to /api and /metrics that were turned away",
                refused_requests(),
            ),
            denials: family(
                add,
                "access_denied",
                "Connections and renewed tokens that access did not let in",
                [Denied::Unauthorized, Denied::Expired, Denied::Unavailable].map(Denial::from),
            ),
            hellos: family(
                add,
                "hellos",
                "Sessions that began, were resumed, or took the place of one that was gone",
                [Outcome::New, Outcome::Resumed, Outcome::Replaced].map(labels::outcome),
            ),
            publishes: family(
                add,
                "publishes",
                "Publishes that the engine was asked to accept, by what became of them",
                ["accepted", "refused", "unknown"].map(|result| Published { result }),
            ),
            duplicates: counter(add, "duplicate_publishes", "Publishes that had been answered before"),
            refusals: family(
                add,
                "refusals",
                "Publishes and subscriptions that clients were refused",
                (1..=5).chain(100..=103).map(|code| RefusalCode(code).into()),
            ),
            gaps: family(
                add,
                "gaps",
                "Gaps that subscribers were told, by why messages are missing",
                [GapCause::Evicted, GapCause::LogLost].map(labels::cause),
            ),
            dropped_signals: family(
                add,
                "signals_dropped",
                "Signals that were not passed on",
                ["forbidden", "rate_limited", "empty_room"].map(|reason| Dropped { reason }),
            ),
            latency: histogram(
                add,
                "publish_to_write",
                "Time from a message's place in its room's log to its write to a subscriber, one of 64 writes",
                exponential_buckets(0.000_05, 2.5, 14),
            ),
            stall: histogram(
                add,
                "event_loop_stall",
                "How much later than it should a timer of the runtime fired, four times a second",
                exponential_buckets(0.001, 2.5, 9),
            ),
            levels: Levels::new(add),
            registry,
        }
    }

    fn flow(&self, path: Path) -> &Flow {
        &self.paths[path as usize]
    }

    /// What a client was told.
    pub(crate) fn on_told(&self, told: Told) {
        match told {
            Told::Refused(code) => self.refusals.get_or_create(&code.into()).inc(),
            Told::Gap(cause) => self.gaps.get_or_create(&labels::cause(cause)).inc(),
        };
    }

    /// A session was given to a connection.
    pub(crate) fn on_hello(&self, outcome: Outcome) {
        self.hellos.get_or_create(&labels::outcome(outcome)).inc();
    }

    /// A request was turned away.
    pub(crate) fn on_request_refused(&self, kind: Kind, reason: &'static str) {
        self.requests.get_or_create(&RefusedRequest::new(kind, reason)).inc();
    }

    /// Somebody was not let in.
    pub(crate) fn on_denied(&self, denied: Denied) {
        self.denials.get_or_create(&denied.into()).inc();
    }

    /// A connection has ended.
    pub(crate) fn on_closed(&self, path: Path, code: CloseCode) {
        self.closes.get_or_create(&Close::new(path, code)).inc();
    }

    pub(crate) fn on_published(&self, result: PublishResult) {
        let result = match result {
            PublishResult::Accepted => "accepted",
            PublishResult::Refused => "refused",
            PublishResult::Unknown => "unknown",
        };
        self.publishes.get_or_create(&Published { result }).inc();
    }

    /// A publish came that had been answered before.
    pub(crate) fn on_duplicate(&self) {
        self.duplicates.inc();
    }

    /// A signal was not passed on.
    pub(crate) fn on_signal_dropped(&self, reason: &'static str) {
        self.dropped_signals.get_or_create(&Dropped { reason }).inc();
    }

    /// All of it as text.
    fn encode(&self, level: Level) -> Result<String, fmt::Error> {
        self.levels.set(level);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What Prometheus is answered.
pub(crate) fn answer(hub: &Hub) -> Response {
    let (sessions, attached) = hub.sessions.count();
    let level = Level {
        sessions,
        attached,
        rooms: hub.rooms.len(),
        log_bytes: hub.rooms.log_bytes(),
    };
    let mut response = match hub.metrics.encode(level) {
        Ok(text) => Response::new(text.into()),
        // Writing to memory does not fail.
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(prometheus_text::CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Levels {
    fn new(registry: &mut Registry) -> Self {
        let levels = Self::default();
        registry.register(
            "sessions",
            "Sessions, by whether they have a connection or wait for their client",
            levels.sessions.clone(),
        );
        registry.register("rooms", "Rooms", levels.rooms.clone());
        registry.register_with_unit(
            "log",
            "What the logs of all rooms keep",
            Unit::Bytes,
            levels.log_bytes.clone(),
        );
        levels
    }

    fn set(&self, level: Level) {
        for (state, count) in [
            ("attached", level.attached),
            ("waiting", level.sessions - level.attached),
        ] {
            self.sessions.get_or_create(&Life { state }).set(gauge(count));
        }
        self.rooms.set(gauge(level.rooms));
        self.log_bytes.set(gauge(level.log_bytes));
    }
}

/// Gauges are signed.
fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn flows(registry: &mut Registry) -> [Flow; Path::ALL.len()] {
    let connections = Family::<Endpoint, Gauge>::default();
    registry.register(
        "connections",
        "WebSockets, and polls that wait for their answer",
        connections.clone(),
    );
    let mut counts = |name: &str, help: &str, unit: Option<Unit>| {
        let family = Family::<Endpoint, Count>::default();
        match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, family.clone()),
            None => registry.register(name, help, family.clone()),
        }
        family
    };
    let opened = counts(
        "connections_opened",
        "WebSockets that were opened, and polls that were taken",
        None,
    );
    let received = counts("messages_received", "Messages and signals that came in", None);
    let sent = counts(
        "messages_sent",
        "Messages and signals that were sent to somebody, each time one",
        None,
    );
    let received_bytes = counts(
        "received",
        "What came in after the handshake, or as a poll's body",
        Some(Unit::Bytes),
    );
    let sent_bytes = counts(
        "sent",
        "What was written after the handshake, or as a poll's answer",
        Some(Unit::Bytes),
    );
    Path::ALL.map(|path| {
        let endpoint = Endpoint::from(path);
        Flow {
            connections: connections.get_or_create_owned(&endpoint),
            opened: opened.get_or_create_owned(&endpoint),
            received: received.get_or_create_owned(&endpoint),
            sent: sent.get_or_create_owned(&endpoint),
            received_bytes: received_bytes.get_or_create_owned(&endpoint),
            sent_bytes: sent_bytes.get_or_create_owned(&endpoint),
        }
    })
}

fn closes(registry: &mut Registry) -> Family<Close, Counter> {
    let all = Path::ALL.into_iter().flat_map(|path| {
        let codes = USUAL_CLOSES.map(|code| Close::new(path, code));
        codes.into_iter()
    });
    family(
        registry,
        "closes",
        "Connections that ended, by the code of who closed first",
        all,
    )
}

/// Those that are there from the start.
fn refused_requests() -> impl Iterator<Item = RefusedRequest> {
    let websockets = Refusal::ALL.map(|refusal| RefusedRequest::new(Kind::WebSocket, refusal.reason()));
    let polls = ["origin", "going_away", "full", "address_full", "too_fast"];
    let polls = polls.map(|reason| RefusedRequest::new(Kind::Poll, reason));
    let requests = ["origin", "unauthorized", "going_away", "full", "too_fast"];
    let requests = requests.map(|reason| RefusedRequest::new(Kind::Api, reason));
    websockets.into_iter().chain(polls).chain(requests)
}

/// Those that are there from the start.
const USUAL_CLOSES: [CloseCode; 4] = [
    CloseCode::NORMAL,
    CloseCode::GOING_AWAY,
    CloseCode::ABNORMAL,
    CloseCode::STALLED,
];

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn family<L, C>(registry: &mut Registry, name: &str, help: &str, known: impl IntoIterator<Item = L>) -> Family<L, C>
where
    L: Clone + std::hash::Hash + Eq + EncodeLabelSet + fmt::Debug + Send + Sync + 'static,
    C: Default + Clone,
    Family<L, C>: prometheus_client::registry::Metric + Clone,
{
    let family = Family::<L, C>::default();
    for labels in known {
        drop(family.get_or_create(&labels));
    }
    registry.register(name, help, family.clone());
    family
}

fn histogram(registry: &mut Registry, name: &str, help: &str, buckets: impl Iterator<Item = f64>) -> Histogram {
    let histogram = Histogram::new(buckets);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
