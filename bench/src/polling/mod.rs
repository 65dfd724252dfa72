//! Requests, bytes and CPU time of a server whose clients poll over HTTP.

mod http;
mod rooms;
mod socketio;
mod tally;

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::{
    runtime,
    sync::mpsc::{self, UnboundedSender},
    task::{LocalSet, spawn_local},
    time::{MissedTickBehavior, interval},
};

use self::{
    http::{Http, Traffic},
    tally::Tally,
};
use crate::{
    bars::What,
    cli::Bench,
    deadline::Deadline,
    line::{Dialect, Purpose},
    measure::{Clocks, Spent},
    message::{self, Message},
    peers::Peer,
    report::{Report, thousands},
    server::Server,
    table::Table,
    turns::{self, Turns},
};

/// What `polling` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many clients receive
    #[arg(long, default_value_t = Self::default().receivers, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    receivers: u32,

    /// How many messages a second are sent; each rate is a run of its own
    #[arg(long, default_values_t = Self::default().rates, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rates: Vec<u32>,

    /// For how long messages are sent that are measured, after those of one second to warm up
    #[arg(long, default_value_t = Self::default().seconds, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,

    /// Length of each message
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(message::MIN_BYTES as i64..=1 << 15))]
    bytes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            receivers: 100,
            rates: vec![1, 100],
            seconds: 10,
            bytes: 128,
        }
    }
}

impl Options {
    fn command(&self) -> String {
        let rates: Vec<_> = self.rates.iter().map(u32::to_string).collect();
        format!(
            "cargo xtask bench polling --receivers {} --rates {} --seconds {} --bytes {}",
            self.receivers,
            rates.join(","),
            self.seconds,
            self.bytes
        )
    }
}

/// Measures every peer that can be polled.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let mut report = Report {
        command: options.command(),
        table: Table {
            columns: turns::columns(&COLUMNS),
            rows: Vec::new(),
        },
        notes: NOTES.map(str::to_owned).into(),
        warnings: Vec::new(),
        figures: Vec::new(),
        failures: Vec::new(),
    };
    for &rate in &options.rates {
        let name = format!("polling, {rate} a second");
        let measure = |peer: &Peer| measure(bench, peer, options, rate);
        let turns = Turns::take_repeated(bench, bench.repeats, &name, can_poll, measure, Measured::cpu)?;
        report.table.rows.extend(turns.rows(Measured::cpu, |it| it.cells(rate)));
        let doubts = turns.done.iter().flat_map(|(peer, it)| it.spent.doubts(peer));
        report.warnings.extend(doubts);
        let what = if rate < OFTEN {
            What::PollingSeldomCpu
        } else {
            What::PollingOftenCpu
        };
        report.figures.extend(turns.figures(what, Measured::cpu));
        report.failures.extend(turns.failed);
    }
    Ok(report)
}

fn can_poll(peer: &Peer) -> bool {
    matches!(peer.dialect, Dialect::Rooms | Dialect::SocketIo)
}

/// What a run at one rate took.
struct Measured {
    spent: Spent,
    /// Of all receivers.
    received: Traffic,
    sent: Traffic,
    latency: Histogram<u64>,
    deliveries: f64,
    messages: f64,
}

impl Measured {
    /// CPU time of the server for each delivery, in microseconds.
    fn cpu(&self) -> f64 {
        self.spent.server_cpu.as_secs_f64() * 1e6 / self.deliveries
    }

    /// As [`COLUMNS`] say.
    fn cells(&self, rate: u32) -> Vec<String> {
        let each = |count: u64, all: f64| count as f64 / all;
        let bytes = |whole: u64, body: u64, all: f64| {
            format!("{} ({})", thousands(each(whole, all)), thousands(each(body, all)))
        };
        let Self { received, sent, .. } = self;
        let latency = |quantile| format!("{:.1}", self.latency.value_at_quantile(quantile) as f64 / 1000.0);
        vec![
            rate.to_string(),
            format!("{:.1}", self.cpu()),
            format!("{:.3}", each(received.requests, self.deliveries)),
            bytes(received.up, received.bodies_up, self.deliveries),
            bytes(received.down, received.bodies_down, self.deliveries),
            format!("{:.3}", each(sent.requests, self.messages)),
            bytes(sent.up, sent.bodies_up, self.messages),
            bytes(sent.down, sent.bodies_down, self.messages),
            latency(0.5),
            latency(0.99),
            self.spent.server_busy(),
        ]
    }
}

fn measure(bench: &Bench, peer: &Peer, options: &Options, rate: u32) -> Result<Measured> {
    let deadline = bench.deadline();
    // Each client may have one request that waits and one that says something.
    let server = bench.start(peer, 2 * (options.receivers as usize + 1))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let measuring = take(&server, peer.dialect, options, rate, &deadline);
    LocalSet::new().block_on(&runtime, measuring)
}

async fn take(
    server: &Server,
    dialect: Dialect,
    options: &Options,
    rate: u32,
    deadline: &Deadline,
) -> Result<Measured> {
    let mut run = Run::begin(server, dialect, options)?;
    let tally = Rc::clone(&run.tally);
    run.until(tally.joined(run.receivers.len() + 1), deadline)
        .await
        .context("joining")?;
    let warm_up = u64::from(rate.max(2));
    run.say_to(warm_up, rate, deadline).await.context("warming up")?;
    eprintln!("  warmed up");
    run.tally.take_latency();
    let before = (Clocks::read(server)?, run.received(), run.sender.traffic());
    let messages = u64::from(options.seconds * rate);
    run.say_to(warm_up + messages, rate, deadline).await?;
    let measured = Measured {
        spent: Clocks::read(server)? - before.0,
        received: run.received() - before.1,
        sent: run.sender.traffic() - before.2,
        latency: run.tally.take_latency(),
        deliveries: (messages * run.receivers.len() as u64) as f64,
        messages: messages as f64,
    };
    // One more message, not measured: whatever came twice comes before it and is noticed.
    let last = warm_up + messages + 1;
    run.say_to(last, rate, deadline).await.context("after the run")?;
    Ok(measured)
}

/// A sender and its receivers. They end with the tasks of this thread.
struct Run {
    tally: Rc<Tally>,
    sender: Rc<Http>,
    receivers: Vec<Rc<Http>>,
    orders: UnboundedSender<String>,
    message: Message,
    said: u64,
    failures: mpsc::UnboundedReceiver<anyhow::Error>,
}

impl Run {
    fn begin(server: &Server, dialect: Dialect, options: &Options) -> Result<Self> {
        let tally = Rc::new(Tally::new(options.bytes as usize)?);
        let (fail, failures) = mpsc::unbounded_channel();
        let begin = |purpose| {
            let http = Rc::new(Http::to(server.address));
            let (orders, queue) = mpsc::unbounded_channel();
            let (client, tally, fail) = (Rc::clone(&http), Rc::clone(&tally), fail.clone());
            spawn_local(async move {
                let ended = match dialect {
                    Dialect::SocketIo => socketio::run(client, purpose, queue, tally).await,
                    _ => rooms::run(client, purpose, queue, tally).await,
                };
                let _ = fail.send(ended.err().unwrap_or_else(|| anyhow::anyhow!("a client ended")));
            });
            (http, orders)
        };
        let (sender, orders) = begin(Purpose::Send);
        let receivers = (0..options.receivers).map(|_| begin(Purpose::Receive));
        Ok(Self {
            receivers: receivers.map(|(http, _)| http).collect(),
            sender,
            orders,
            tally,
            message: Message::new(options.bytes as usize),
            said: 0,
            failures,
        })
    }

    fn received(&self) -> Traffic {
        let mut all = Traffic::default();
        self.receivers.iter().for_each(|http| all += http.traffic());
        all
    }

    /// Says messages at this rate until `target` were said in all, and waits until every receiver has each, and the sender
    /// every answer.
    async fn say_to(&mut self, target: u64, rate: u32, deadline: &Deadline) -> Result<()> {
        let mut due = interval(Duration::from_secs(1) / rate);
        // A message is due at its time, however late the one before was.
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while self.said < target {
            self.until(due.tick(), deadline).await?;
            let text = String::from_utf8(self.message.numbered(self.said).to_vec())?;
            self.said += 1;
            self.tally.on_said();
            self.orders.send(text).context("the sender has ended")?;
        }
        let tally = Rc::clone(&self.tally);
        self.until(tally.complete(self.receivers.len() as u64, target), deadline)
            .await
    }

    /// Waits, unless a client fails or the deadline passes.
    async fn until<T>(&mut self, event: impl Future<Output = T>, deadline: &Deadline) -> Result<()> {
        tokio::pin!(event);
        let mut looks = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = &mut event => return Ok(()),
                Some(error) = self.failures.recv() => bail!("{error:#}: {}", self.tally.position()),
                _ = looks.tick() => deadline.check().with_context(|| self.tally.position())?,
            }
        }
    }
}

const COLUMNS: [&str; 11] = [
    "messages/s",
    "us CPU/delivery",
    "requests/delivery",
    "bytes up",
    "bytes down",
    "requests/publish",
    "bytes up",
    "bytes down",
    "p50 ms",
    "p99 ms",
    "server busy",
];

const NOTES: [&str; 3] = [
    "us CPU/delivery: the server's CPU time, user and kernel, over messages times receivers; the ratio is of it. Requests and \
     bytes of the receivers for each delivery, then of the sender for each message that it says, with the heads that a browser \
     sends; in parentheses the bodies alone.",
    "Each client polls as its own library does: the next poll follows an answer, and what is said while a request says \
     something goes together in the next.",
    "Every receiver got every message once and in order, and the sender every answer.",
];

/// From this rate on messages come faster than a person reads them.
const OFTEN: u32 = 10;

/// Whether the deadline has passed is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
