//! The summary of a run: what was found, peer beside peer, and which bars are met.

use std::fmt;

use crate::{report::thousands, table::Table};

/// A quantity that appears in the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    BroadcastCpu,
    BroadcastP99,
    SteadyCpu,
    EchoCpu,
    IdleMemory,
    ResumeCpu,
    ConnectCpu,
    PollingSeldomCpu,
    PollingOftenCpu,
    BrowserTime,
}

/// One peer's quantity; smaller is better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) what: What,
    pub(crate) peer: &'static str,
    pub(crate) value: f64,
}

/// All figures of a run.
pub(crate) struct Summary {
    figures: Vec<Figure>,
}

/// What a figure of Tidewire's should not exceed.
struct Bar {
    what: What,
    peer: &'static str,
    limit: Limit,
}

enum Limit {
    /// So many times that of another peer.
    Times(f64, &'static str),
    AtMost(f64),
}

impl Summary {
    pub(crate) fn new(figures: Vec<Figure>) -> Self {
        Self { figures }
    }

    fn find(&self, what: What, peer: &str) -> Option<f64> {
        let mut figures = self.figures.iter();
        figures.find(|it| it.what == what && it.peer == peer).map(|it| it.value)
    }

    /// A column per peer, in the order in which they were measured.
    fn found(&self) -> Table {
        let mut columns = vec!["figure"];
        for figure in &self.figures {
            if !columns.contains(&figure.peer) {
                columns.push(figure.peer);
            }
        }
        let rows = WHAT
            .iter()
            .filter(|&&what| self.figures.iter().any(|it| it.what == what));
        let row = |&what: &What| {
            let cell = |peer: &&str| self.find(what, peer).map_or("-".to_owned(), |it| what.show(it));
            [what.name().to_owned()]
                .into_iter()
                .chain(columns[1..].iter().map(cell))
                .collect()
        };
        Table {
            rows: rows.map(row).collect(),
            columns,
        }
    }

    fn bars(&self) -> Table {
        Table {
            columns: vec!["bar", "peer", "figure", "beside", "is", "at most", ""],
            rows: BARS.iter().filter_map(|bar| bar.row(self)).collect(),
        }
    }
}

impl Bar {
    /// `None` if it was not measured.
    fn row(&self, summary: &Summary) -> Option<Vec<String>> {
        let figure = summary.find(self.what, self.peer)?;
        let (beside, is, at_most, is_met) = match self.limit {
            Limit::Times(times, peer) => {
                let other = summary.find(self.what, peer)?;
                let beside = format!("{} ({peer})", self.what.show(other));
                let is = figure / other;
                (beside, format!("{is:.2} x"), format!("{times:.2} x"), is <= times)
            }
            Limit::AtMost(limit) => (
                "-".to_owned(),
                self.what.show(figure),
                self.what.show(limit),
                figure <= limit,
            ),
        };
        let verdict = if is_met { "met" } else { "MISSED" };
        let figure = self.what.show(figure);
        let cells = [self.what.name(), self.peer, &figure, &beside, &is, &at_most, verdict];
        Some(cells.map(str::to_owned).into())
    }
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::BroadcastCpu => "broadcast: us CPU/delivery",
            Self::BroadcastP99 => "broadcast: p99 ms",
            Self::SteadyCpu => "steady: us CPU/delivery",
            Self::EchoCpu => "echo: us CPU/message",
            Self::IdleMemory => "idle: bytes/connection",
            Self::ResumeCpu => "resume: us CPU/client",
            Self::ConnectCpu => "fresh connect: us CPU/client",
            Self::PollingSeldomCpu => "polling, seldom: us CPU/delivery",
            Self::PollingOftenCpu => "polling, often: us CPU/delivery",
            Self::BrowserTime => "browser: us/message",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::BroadcastCpu | Self::SteadyCpu | Self::EchoCpu | Self::BrowserTime => format!("{value:.3}"),
            Self::BroadcastP99 | Self::PollingSeldomCpu | Self::PollingOftenCpu => format!("{value:.1}"),
            Self::IdleMemory | Self::ResumeCpu | Self::ConnectCpu => thousands(value),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found().fmt(f)?;
        let bars = self.bars();
        if bars.rows.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        bars.fmt(f)
    }
}

const WHAT: [What; 10] = [
    What::BroadcastCpu,
    What::BroadcastP99,
    What::SteadyCpu,
    What::EchoCpu,
    What::IdleMemory,
    What::ResumeCpu,
    What::ConnectCpu,
    What::PollingSeldomCpu,
    What::PollingOftenCpu,
    What::BrowserTime,
];

/// As the README has them.
const BARS: [Bar; 11] = [
    Bar::times(What::BroadcastCpu, "tidewire", 2.0, "floor-coalescing"),
    Bar::times(What::BroadcastCpu, "tidewire-ws", 2.0, "floor-coalescing"),
    Bar::times(What::BroadcastP99, "tidewire", 2.0, "floor-coalescing"),
    Bar::times(What::BroadcastP99, "tidewire-ws", 2.0, "floor-coalescing"),
    Bar::times(What::SteadyCpu, "tidewire", 1.15, "floor"),
    Bar::times(What::SteadyCpu, "tidewire-ws", 1.15, "floor"),
    Bar::times(What::EchoCpu, "tidewire", 1.5, "floor-coalescing"),
    Bar::at_most(What::IdleMemory, "tidewire", 4096.0),
    Bar::at_most(What::IdleMemory, "tidewire-ws", 6144.0),
    Bar::times(What::BrowserTime, "tidewire-ws", 0.2, "socketio"),
    Bar::times(What::BrowserTime, "tidewire-ws", 1.0, "ws"),
];

impl Bar {
    const fn times(what: What, peer: &'static str, times: f64, other: &'static str) -> Self {
        Self {
            what,
            peer,
            limit: Limit::Times(times, other),
        }
    }

    const fn at_most(what: What, peer: &'static str, limit: f64) -> Self {
        Self {
            what,
            peer,
            limit: Limit::AtMost(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(figures: &[(What, &'static str, f64)]) -> Summary {
        let figure = |&(what, peer, value)| Figure { what, peer, value };
        Summary::new(figures.iter().map(figure).collect())
    }

    fn verdicts(figures: &[(What, &'static str, f64)]) -> Vec<String> {
        let bars = summary(figures).bars().rows;
        bars.into_iter().map(|mut row| row.remove(6)).collect()
    }

    #[test]
    fn a_bar_is_met_at_its_limit_and_missed_above() {
        let echo = |value| {
            [
                (What::EchoCpu, "floor-coalescing", 2.0),
                (What::EchoCpu, "tidewire", value),
            ]
        };
        assert_eq!(verdicts(&echo(3.0)), ["met"]);
        assert_eq!(verdicts(&echo(3.01)), ["MISSED"]);
        assert_eq!(verdicts(&[(What::IdleMemory, "tidewire-ws", 6144.0)]), ["met"]);
        assert_eq!(verdicts(&[(What::IdleMemory, "tidewire-ws", 6145.0)]), ["MISSED"]);
    }

    #[test]
    fn what_was_not_measured_has_no_verdict_and_no_row() {
        let figures = [(What::EchoCpu, "tidewire", 2.0), (What::ResumeCpu, "tidewire-ws", 90.0)];
        assert!(verdicts(&figures).is_empty());
        let expected = "| figure                | tidewire | tidewire-ws |\n\
                        | --------------------- | -------: | ----------: |\n\
                        | echo: us CPU/message  |    2.000 |           - |\n\
                        | resume: us CPU/client |        - |          90 |\n";
        assert_eq!(summary(&figures).to_string(), expected);
    }
}
