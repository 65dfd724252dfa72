//! How fast clients in a page hear a burst: those of all peers in one page, in turns.

mod burst;
mod gate;
mod page;
mod rounds;

use anyhow::{Result, bail};

use crate::{
    bars::What,
    cli::Bench,
    deadline,
    peers::Peer,
    report::{Report, thousands},
    table::Table,
    turns::{self, Turns},
};
use rounds::{Burst, Rounds};

/// What `browser` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many messages a burst has
    #[arg(long, default_value_t = Self::default().messages, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    messages: u32,

    /// Length of each message, which is JSON
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(i64::from(burst::MIN_BYTES)..=1 << 15))]
    bytes: u32,

    /// How many bursts each client hears, one in each round; the median is shown
    #[arg(long, default_value_t = Self::default().rounds, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            messages: 20_000,
            bytes: 128,
            rounds: 9,
        }
    }
}

/// What one client took for each message, in microseconds.
struct Measured {
    time: Spread,
    main_thread: Spread,
    browser: Spread,
}

/// One figure in all rounds.
#[derive(Clone, Copy)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

/// Measures every peer that has a client in the page.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let mut turns = Turns {
        done: Vec::new(),
        failed: Vec::new(),
    };
    let mut notes: Vec<_> = NOTES.iter().map(|&note| note.to_owned()).collect();
    match Rounds::take(bench, options) {
        Ok(Rounds { sides, browser }) => {
            notes.push(format!("The browser is {browser}, on the load generator's core."));
            for side in sides {
                match side.bursts {
                    Ok(bursts) => turns.done.push((side.peer, Measured::of(&bursts))),
                    Err(error) => turns.failed.push(format!("browser: {}: {error:#}", side.peer.name)),
                }
            }
        }
        Err(_) if deadline::is_stopped() => bail!("stopped by a signal"),
        Err(error) => turns.failed.push(format!("browser: {error:#}")),
    }
    Ok(Report {
        command: format!(
            "cargo xtask bench browser --messages {} --bytes {} --rounds {}",
            options.messages, options.bytes, options.rounds
        ),
        table: Table {
            columns: turns::columns(&COLUMNS),
            rows: turns.rows(|it| it.time.median, Measured::cells),
        },
        notes,
        warnings: turns.done.iter().filter_map(|(peer, it)| it.doubt(peer)).collect(),
        figures: turns.figures(What::BrowserTime, |it| it.time.median).collect(),
        failures: turns.failed,
    })
}

impl Measured {
    fn of(bursts: &[Burst]) -> Self {
        let spread = |figure: fn(&Burst) -> f64| Spread::of(bursts.iter().map(figure));
        Self {
            time: spread(|it| it.time),
            main_thread: spread(|it| it.main_thread),
            browser: spread(|it| it.browser),
        }
    }

    /// As [`COLUMNS`] say.
    fn cells(&self) -> Vec<String> {
        let rate = |time| thousands(1e6 / time);
        vec![
            rate(self.time.median),
            rate(self.time.most),
            rate(self.time.least),
            format!("{:.3}", self.time.median),
            format!("{:.3}", self.main_thread.median),
            format!("{:.1}", self.browser.median),
        ]
    }

    /// Why it should not be trusted.
    fn doubt(&self, peer: &Peer) -> Option<String> {
        let spread = self.time.most / self.time.least;
        (spread > STEADY).then(|| {
            format!(
                "{}: its slowest burst took {spread:.1} times as long as its fastest: the machine was not quiet",
                peer.name
            )
        })
    }
}

impl Spread {
    /// Of values of which there is at least one.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            median: at(values.len() / 2),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

/// Bursts of one client that are this much slower than others are not the client's doing.
const STEADY: f64 = 1.5;

const COLUMNS: [&str; 6] = [
    "messages/s",
    "slowest burst",
    "fastest burst",
    "us/message",
    "us CPU main thread",
    "us CPU browser",
];

const NOTES: [&str; 3] = [
    "messages/s: from the first message of a burst handled in the page to the last, the median of all rounds. A burst is \
     held back until its server has sent all of it, so the client is the limit.",
    "us CPU: of the page's main thread, and of all processes of the browser, for each message.",
    "Every client handled every message once, in order and unchanged.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_the_values_in_order() {
        let spread = Spread::of([3.0, 1.0, 2.0, 9.0, 0.5].into_iter());
        assert_eq!((spread.least, spread.median, spread.most), (0.5, 2.0, 9.0));
    }
}
