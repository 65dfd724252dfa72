//! The long runs in full: chaos, one client that stops reading, and leaks. `cargo xtask soak` builds and starts it.

#[cfg(target_os = "linux")]
mod runs {
    use std::time::{Duration, Instant, SystemTime};

    use clap::{Parser, Subcommand};
    use tidewire_chaos::{Chaos, Survived, impatient};
    use tidewire_tests::{
        BadNetwork,
        soak::{Heard, Leaks, Stalled},
    };
    use tokio::time::sleep;

    /// Runs what takes too long for a test; with nothing named, all of it, which takes some ten minutes.
    #[derive(Debug, Parser)]
    ///
    /// `cargo xtask soak browser [--seed SEED]` is chaos with five clients in Chromium; the test command runs that in full too.
    /// `cargo xtask soak abuse` is bad peers at every path: `cargo xtask soak abuse --help`.
    #[command(name = "soak", bin_name = "cargo xtask soak", version)]
    pub(super) struct Cli {
        #[command(subcommand)]
        run: Option<Run>,
    }

    #[derive(Debug, Subcommand)]
    enum Run {
        /// Clients over connections that keep breaking, and a server that loses everything once
        Chaos(ChaosOptions),
        /// One client that stops reading among many, beside a run without it
        Stalled(StalledOptions),
        /// Memory of a server that many come to and leave, and where much is said
        Leaks(LeaksOptions),
    }

    #[derive(Debug, clap::Args)]
    struct ChaosOptions {
        /// What all faults follow from [default: another one each time]
        #[arg(long)]
        seed: Option<u64>,
        #[arg(long, default_value_t = 50)]
        clients: usize,
        #[arg(long, default_value_t = 10)]
        rooms: usize,
        /// At least so many are published, in all
        #[arg(long, default_value_t = 100_000)]
        messages: u64,
        /// At least so many connections are broken
        #[arg(long, default_value_t = 1000)]
        cuts: u64,
    }

    #[derive(Debug, clap::Args)]
    struct StalledOptions {
        #[arg(long, default_value_t = 1000)]
        receivers: usize,
        #[arg(long, default_value_t = 1200)]
        messages: u64,
        /// Of each message
        #[arg(long, default_value_t = 8192)]
        bytes: usize,
        /// Milliseconds from one message to the next
        #[arg(long, default_value_t = 50)]
        interval: u64,
    }

    #[derive(Debug, clap::Args)]
    struct LeaksOptions {
        #[arg(long, default_value_t = 100_000)]
        connects: u64,
        #[arg(long, default_value_t = 1_000_000)]
        messages: u64,
    }

    /// Whether all that was run held.
    pub(super) async fn run(cli: Cli) -> bool {
        match cli.run {
            Some(Run::Chaos(options)) => chaos(&options).await,
            Some(Run::Stalled(options)) => stalled(&options).await,
            Some(Run::Leaks(options)) => leaks(&options).await,
            None => {
                let mut holds = true;
                for name in ["chaos", "stalled", "leaks"] {
                    let cli = Cli::parse_from(["soak", name]);
                    holds &= Box::pin(run(cli)).await;
                    println!();
                }
                holds
            }
        }
    }

    async fn chaos(options: &ChaosOptions) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seed = options.seed.unwrap_or_else(|| now.map_or(0, |it| it.as_secs()));
        let &ChaosOptions {
            clients,
            rooms,
            messages,
            cuts,
            ..
        } = options;
        println!(
            "$ cargo xtask soak chaos --seed {seed} --clients {clients} --rooms {rooms} --messages {messages} --cuts {cuts}"
        );
        let chaos = Chaos {
            clients,
            rooms,
            unanswered: 32,
            messages,
            cuts,
            options: impatient,
        };
        let mut network = BadNetwork::start(seed).await;
        let url = format!("ws://{}/ws", network.address());
        let begun = Instant::now();
        let mut shown_at = begun;
        let progress = |survived: &Survived| {
            if shown_at.elapsed() > Duration::from_millis(500) {
                shown_at = Instant::now();
                eprintln!("  {survived}");
            }
        };
        let outcome = chaos.run(&url, &mut network, progress, sleep(CHAOS_LIMIT)).await;
        let seconds = begun.elapsed().as_secs_f64();
        match &outcome {
            Ok(survived) => {
                println!(
                    "nothing was lost, doubled or reordered, and each gap was explained: {survived}; {seconds:.1} s"
                );
            }
            Err(broken) => println!("FAILED: {broken}"),
        }
        outcome.is_ok()
    }

    async fn stalled(options: &StalledOptions) -> bool {
        let &StalledOptions {
            receivers,
            messages,
            bytes,
            interval,
        } = options;
        println!(
            "$ cargo xtask soak stalled --receivers {receivers} --messages {messages} --bytes {bytes} --interval {interval}"
        );
        let stalled = Stalled {
            receivers,
            messages,
            bytes,
            interval: Duration::from_millis(interval),
        };
        // Turn by turn, so that what disturbs the machine for a while disturbs both.
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for turn in 1..=3 {
            without.push(show(turn, "without", stalled.run_without().await));
            with.push(show(turn, "with", stalled.run_with().await));
        }
        let p99 = |runs: &[Heard]| {
            let mut all: Vec<_> = runs.iter().map(|it| it.p99).collect();
            all.sort();
            all[all.len() / 2].as_secs_f64() * 1000.0
        };
        let (alone, beside) = (p99(&without), p99(&with));
        let verdict = if beside <= 1.1 * alone { "met" } else { "MISSED" };
        println!(
            "p99 of the others, the median of three runs: {alone:.1} ms without, {beside:.1} ms with one that stopped, \
             {:.2} x; at most 1.10 x: {verdict}",
            beside / alone
        );
        // `docs/ARCHITECTURE.md`, Bounds: what a room keeps, and for each connection 128 KiB and two messages.
        let bound = (1 << 20) + (receivers + 2) * ((128 << 10) + 2 * bytes);
        let grown = with.iter().map(|it| it.grown_bytes).max().unwrap_or(0);
        println!(
            "the server had at most {} KiB more; the bound is {} KiB",
            grown >> 10,
            bound >> 10
        );
        grown <= bound && with.iter().all(|it| it.gap.is_some())
    }

    fn show(turn: u32, name: &str, heard: Heard) -> Heard {
        let Heard {
            p50,
            p99,
            grown_bytes,
            gap,
        } = heard;
        let gap = gap.map_or(String::new(), |(from, to)| {
            format!("; its gap was {} to {}", from.0, to.0)
        });
        println!(
            "run {turn} {name}: p50 {:.1} ms, p99 {:.1} ms, {} KiB more{gap}",
            p50.as_secs_f64() * 1000.0,
            p99.as_secs_f64() * 1000.0,
            grown_bytes >> 10
        );
        heard
    }

    async fn leaks(options: &LeaksOptions) -> bool {
        let &LeaksOptions { connects, messages } = options;
        println!("$ cargo xtask soak leaks --connects {connects} --messages {messages}");
        let leaks = Leaks {
            connects,
            messages,
            parts: 10,
        };
        let show = |sample: tidewire_tests::soak::Resident| {
            println!(
                "{:>7} connects, {:>8} messages: {:>6} KiB resident",
                sample.connects,
                sample.messages,
                sample.bytes >> 10
            );
        };
        let samples = leaks.run(show).await;
        let grown = Leaks::growth(&samples);
        println!(
            "since the first tenth: {} KiB more for the connects, {} KiB for the messages; at most {} KiB each",
            grown[0] >> 10,
            grown[1] >> 10,
            MAY_GROW >> 10
        );
        grown.iter().all(|&grown| grown <= MAY_GROW)
    }

    /// How long chaos may take.
    const CHAOS_LIMIT: Duration = Duration::from_secs(900);

    /// A leak of 12 bytes for each connect would be more.
    const MAY_GROW: i64 = 1 << 20;
}

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    use clap::Parser;
    match runs::run(runs::Cli::parse()).await {
        true => std::process::ExitCode::SUCCESS,
        false => std::process::ExitCode::FAILURE,
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("error: this reads memory from /proc, which only Linux has");
    std::process::exit(1);
}
