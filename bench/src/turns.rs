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
        let mut turns = Self {
            done: Vec::new(),
            failed: Vec::new(),
        };
        for peer in bench.peers.iter().filter(|&peer| can(peer)) {
            eprintln!("{workload}: {}", peer.name);
            match measure(peer) {
                Ok(measured) => turns.done.push((peer, measured)),
                Err(_) if deadline::is_stopped() => bail!("stopped by a signal"),
                Err(error) => turns.failed.push(format!("{workload}: {}: {error:#}", peer.name)),
            }
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

/// The heads of the columns of [`Turns::rows`].
pub(crate) fn columns(cells: &[&'static str]) -> Vec<&'static str> {
    [&["peer", "ratio"], cells].concat()
}
