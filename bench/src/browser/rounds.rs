//! Bursts in rounds: in each, every peer's client hears one, and each peer is first as often as any other.

use anyhow::{Context, Result, bail};

use super::{
    Options, burst,
    gate::Gate,
    page::{Page, Turn},
};
use crate::{cli::Bench, deadline, line::Dialect, peers::Peer, server::Server};

/// One peer's server, and what its client took for each burst.
pub(super) struct Side<'a> {
    pub(super) peer: &'a Peer,
    server: Server,
    /// Those of all rounds, or why there are no more.
    pub(super) bursts: Result<Vec<Burst>>,
}

/// Microseconds for each message of one burst.
#[derive(Clone, Copy)]
pub(super) struct Burst {
    /// From the first message handled to the last.
    pub(super) time: f64,
    /// CPU time of the page's main thread.
    pub(super) main_thread: f64,
    /// CPU time of all the browser's processes.
    pub(super) browser: f64,
}

/// What came of all rounds.
pub(super) struct Rounds<'a> {
    /// Every peer that has a client in the page.
    pub(super) sides: Vec<Side<'a>>,
    /// What the browser is.
    pub(super) browser: String,
}

impl<'a> Rounds<'a> {
    /// Takes all rounds, and one before them to warm up.
    pub(super) fn take(bench: &'a Bench, options: &Options) -> Result<Self> {
        let peers = bench.peers.iter().filter(|&peer| has_client(peer));
        let mut page = Page::open(0, &bench.deadline())?;
        let origin = format!("http://127.0.0.1:{}", page.port);
        let start = |peer| Side::start(bench, &origin, peer);
        let mut sides = peers.map(start).collect::<Result<Vec<_>>>()?;
        for round in 0..=options.rounds as usize {
            eprintln!("browser: round {round} of {}", options.rounds);
            let count = sides.len();
            for index in 0..count {
                let side = &mut sides[(round + index) % count];
                side.take_turn(bench, options, &mut page)?;
                if round == 0
                    && let Ok(warm_up) = &mut side.bursts
                {
                    warm_up.clear();
                }
            }
        }
        let browser = page.browser.clone();
        Ok(Self { sides, browser })
    }
}

impl<'a> Side<'a> {
    fn start(bench: &Bench, origin: &str, peer: &'a Peer) -> Result<Self> {
        Ok(Self {
            peer,
            server: bench.start_for(origin, peer, CONNECTIONS)?,
            bursts: Ok(Vec::new()),
        })
    }

    /// One burst, unless one has failed before. An error is one of the page's.
    fn take_turn(&mut self, bench: &Bench, options: &Options, page: &mut Page) -> Result<()> {
        let Ok(bursts) = &mut self.bursts else { return Ok(()) };
        match hear(bench, options, self.peer, &self.server, page) {
            Ok(burst) => bursts.push(burst),
            Err(_) if deadline::is_stopped() => bail!("stopped by a signal"),
            Err(error) => {
                self.bursts = Err(error);
                // What the page does next is anybody's guess. Its place is taken by one of the same origin.
                let port = page.port;
                *page = Page::open(port, &bench.deadline())?;
            }
        }
        Ok(())
    }
}

/// One burst: it is held back until the server has sent all of it.
fn hear(bench: &Bench, options: &Options, peer: &Peer, server: &Server, page: &mut Page) -> Result<Burst> {
    let deadline = bench.deadline();
    let gate = Gate::new()?;
    page.begin(&Turn {
        peer: peer.name,
        address: gate.address,
        messages: options.messages,
        bytes: options.bytes,
    })?;
    let passage = gate.pass(server.address, bench.cores, &deadline)?;
    page.joined(&deadline)?;
    passage.shut();
    burst::say(server.address, peer.dialect, options, &deadline).context("the burst")?;
    passage.until_held(options.messages as usize * options.bytes as usize, &deadline)?;
    passage.open();
    let heard = page.heard(&deadline)?;
    let each = |milliseconds: f64| milliseconds * 1e3 / f64::from(options.messages);
    Ok(Burst {
        // The time of the first message is not in it.
        time: heard.elapsed * 1e3 / f64::from(options.messages - 1),
        main_thread: each(heard.main_thread),
        browser: each(heard.browser),
    })
}

/// `page/clients.mjs` has them.
fn has_client(peer: &Peer) -> bool {
    matches!(peer.dialect, Dialect::Rooms | Dialect::SocketIo) || peer.name == "ws"
}

/// What a server has open in this workload: the page, who publishes, and some to spare.
const CONNECTIONS: usize = 8;
