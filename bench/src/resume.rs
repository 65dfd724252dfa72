//! What it costs a server when all its clients are cut off at once and come back to what they missed.

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use crate::{
    bars::What,
    cli::Bench,
    deadline::Deadline,
    line::{Crowd, Dialect, Heard, Line, Purpose, Speech},
    measure::{Clocks, Spent},
    message::{self, Message},
    peers::Peer,
    report::{Report, thousands},
    server::Server,
    table::Table,
    turns::{self, Turns},
};

/// What `resume` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many clients there are
    #[arg(long, default_value_t = Self::default().clients, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,

    /// How many messages each of them misses
    #[arg(long, default_value_t = Self::default().messages, value_parser = clap::value_parser!(u32).range(0..=1000))]
    messages: u32,

    /// Length of each message
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(message::MIN_BYTES as i64..=1 << 15))]
    bytes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: 5000,
            messages: 100,
            bytes: 128,
        }
    }
}

/// Measures every peer that can resume.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let measure = |peer: &Peer| measure(bench, peer, options);
    let turns = Turns::take(bench, "resume", |peer| peer.dialect == Dialect::Rooms, measure)?;
    let connect = turns.figures(What::ConnectCpu, |it| it.connect.cpu_per_client());
    Ok(Report {
        command: format!(
            "cargo xtask bench resume --clients {} --messages {} --bytes {}",
            options.clients, options.messages, options.bytes
        ),
        table: Table {
            columns: turns::columns(&COLUMNS),
            rows: turns.rows(|it| it.resume.cpu_per_client(), Measured::cells),
        },
        notes: vec![
            "resume: all connections are cut, the messages are published, then all clients connect at once, go on with \
             their sessions and are told what they missed."
                .to_owned(),
            "fresh: as many new clients connect at once and subscribe. us CPU/client: the server's CPU time, from the \
             first connect until the last is done, over their number."
                .to_owned(),
            "Every client got every message that it had missed, once and in order.".to_owned(),
        ],
        warnings: Vec::new(),
        figures: turns
            .figures(What::ResumeCpu, |it| it.resume.cpu_per_client())
            .chain(connect)
            .collect(),
        failures: turns.failed,
    })
}

struct Measured {
    connect: Arrival,
    resume: Arrival,
}

/// All clients came.
struct Arrival {
    spent: Spent,
    took: Histogram<u64>,
}

impl Arrival {
    /// In microseconds.
    fn cpu_per_client(&self) -> f64 {
        self.spent.server_cpu.as_secs_f64() * 1e6 / self.took.len() as f64
    }

    fn cells(&self) -> [String; 3] {
        let ms = |quantile| thousands(self.took.value_at_quantile(quantile) as f64 / 1000.0);
        [thousands(self.cpu_per_client()), ms(0.5), ms(1.0)]
    }
}

impl Measured {
    /// As [`COLUMNS`] say.
    fn cells(&self) -> Vec<String> {
        [self.resume.cells(), self.connect.cells()].concat()
    }
}

fn measure(bench: &Bench, peer: &Peer, options: &Options) -> Result<Measured> {
    let deadline = bench.deadline();
    let clients = options.clients as usize;
    let server = bench.start(peer, clients + 1)?;
    let run = Run {
        server: &server,
        peer,
        message: Message::new(options.bytes as usize),
        deadline,
    };
    let mut sender = Line::open(server.address, peer.dialect, Purpose::Send, clients)?;
    let speeches = (0..clients).map(|_| Speech::new(peer.dialect, Purpose::Receive));
    let (lines, connect) = run.gather(speeches.collect(), 0).context("fresh connects")?;
    let speeches = lines.into_iter().map(Line::cut).collect();
    server.until_quiet(&deadline)?;
    let missed = u64::from(options.messages);
    publish(&mut sender, options, &deadline).context("publishing")?;
    server.until_quiet(&deadline)?;
    let (_lines, resume) = run.gather(speeches, missed).context("coming back")?;
    Ok(Measured { connect, resume })
}

struct Run<'a> {
    server: &'a Server,
    peer: &'a Peer,
    message: Message,
    deadline: Deadline,
}

impl Run<'_> {
    fn gather(&self, speeches: Vec<Speech>, missed: u64) -> Result<(Vec<Line>, Arrival)> {
        let before = Clocks::read(self.server)?;
        let (address, dialect) = (self.server.address, self.peer.dialect);
        let crowd = Crowd::gather(address, dialect, speeches, 0..missed, &self.message, &self.deadline)?;
        let spent = Clocks::read(self.server)? - before;
        Ok((
            crowd.lines,
            Arrival {
                spent,
                took: crowd.took,
            },
        ))
    }
}

fn publish(sender: &mut Line, options: &Options, deadline: &Deadline) -> Result<()> {
    let mut message = Message::new(options.bytes as usize);
    let mut accepted = 0;
    let mut buffer = vec![0; 64 << 10];
    for number in 0..u64::from(options.messages) {
        sender.send(message.numbered(number))?;
    }
    deadline.poll_until(std::time::Duration::from_millis(1), || {
        sender.flush()?;
        sender.read(&mut buffer, |heard| {
            anyhow::ensure!(heard == Heard::Accepted(accepted + 1), "the server said {heard:?}");
            accepted += 1;
            Ok(())
        })?;
        Ok(accepted == u64::from(options.messages))
    })
}

const COLUMNS: [&str; 6] = [
    "resume: us CPU/client",
    "half done ms",
    "all done ms",
    "fresh: us CPU/client",
    "half done ms",
    "all done ms",
];
