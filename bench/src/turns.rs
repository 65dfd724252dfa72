//! One workload, peer after peer.

use anyhow::{Result, bail};

use crate::{
    bars::{Figure, What},
    cli::Bench,
    deadline,
    peers::Peer,
    report::ratio,
};

/// What came of it.
pub(crate) struct Turns<'a, M> {
    /// Who was measured.
    pub(crate) done: Vec<(&'a Peer, M)>,
    /// Who was not, and why.
    pub(crate) failed: Vec<String>,
}

impl<'a, M> Turns<'a, M> {
    /// Measures all peers that `can` take part. Where one fails, the others go on.
    pub(crate) fn take(
        bench: &'a Bench,
        workload: &str,
        can: impl Fn(&Peer) -> bool,
        measure: impl Fn(&Peer) -> Result<M>,
    ) -> Result<Self> {
        Self::take_repeated(bench, 1, workload, can, measure, |_| 0.0)
    }

    /// Measures them several times, each time another one first, so that what disturbs the machine for a while does not
    /// disturb one alone; of each peer's turns the one with the median `figure` stands.
    pub(crate) fn take_repeated(
        bench: &'a Bench,
        repeats: usize,
        workload: &str,
        can: impl Fn(&Peer) -> bool,
        measure: impl Fn(&Peer) -> Result<M>,
        figure: impl Fn(&M) -> f64,
    ) -> Result<Self> {
        let mut peers: Vec<_> = bench.peers.iter().filter(|&peer| can(peer)).map(Turn::new).collect();
        let count = peers.len();
        for repeat in 0..repeats {
            for index in 0..count {
                let turn = &mut peers[(index + repeat) % count];
                eprintln!("{workload}: {} ({} of {repeats})", turn.peer.name, repeat + 1);
                match measure(turn.peer) {
                    Ok(measured) => turn.measured.push(measured),
                    Err(_) if deadline::is_stopped() => bail!("stopped by a signal"),
                    Err(error) => turn.failed.push(format!("{workload}: {}: {error:#}", turn.peer.name)),
                }
            }
        }
        let mut turns = Self {
            done: Vec::new(),
            failed: Vec::new(),
        };
        for turn in peers {
            turns.failed.extend(turn.failed);
            let measured = median(turn.measured, &figure);
            turns.done.extend(measured.map(|measured| (turn.peer, measured)));
        }
        Ok(turns)
    }

    /// A row per peer: its name, the ratio of this figure to the first peer's, and its cells.
    pub(crate) fn rows(&self, figure: impl Fn(&M) -> f64, cells: impl Fn(&M) -> Vec<String>) -> Vec<Vec<String>> {
        let first = self.done.first().map_or(0.0, |(_, measured)| figure(measured));
        let row = |(peer, measured): &(&Peer, M)| {
            let head = [peer.name.to_owned(), ratio(figure(measured), first)];
            head.into_iter().chain(cells(measured)).collect()
        };
        self.done.iter().map(row).collect()
    }

    /// This quantity of each peer.
    pub(crate) fn figures(&self, what: What, value: impl Fn(&M) -> f64) -> impl Iterator<Item = Figure> {
        self.done.iter().map(move |(peer, measured)| Figure {
            what,
            peer: peer.name,
            value: value(measured),
        })
    }
}

/// What came of one peer.
struct Turn<'a, M> {
    peer: &'a Peer,
    measured: Vec<M>,
    failed: Vec<String>,
}

impl<'a, M> Turn<'a, M> {
    const fn new(peer: &'a Peer) -> Self {
        Self {
            peer,
            measured: Vec::new(),
            failed: Vec::new(),
        }
    }
}

/// The one in the middle; of an even number the lower of the two.
fn median<M>(mut all: Vec<M>, figure: impl Fn(&M) -> f64) -> Option<M> {
    all.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
    let middle = all.len().checked_sub(1)? / 2;
    Some(all.swap_remove(middle))
}

/// The heads of the columns of [`Turns::rows`].
pub(crate) fn columns(cells: &[&'static str]) -> Vec<&'static str> {
    [&["peer", "ratio"], cells].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_the_lower_of_two() {
        for (all, expected) in [
            (vec![], None),
            (vec![3.0], Some(3.0)),
            (vec![9.0, 2.0], Some(2.0)),
            (vec![5.0, 9.0, 1.0], Some(5.0)),
        ] {
            assert_eq!(median(all, |it| *it), expected);
        }
    }
}
