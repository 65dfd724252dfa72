//! Ten thousand clients whose server goes away, in virtual time: they come back without a stampede.

#![cfg(not(target_arch = "wasm32"))] // it prints

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use tidewire_protocol::{
    CloseCode, Frame as _, Instant, Sequence, SessionId,
    client::{Attempt, Client, ClientState, Input, Output, Settings},
    decode,
    frame::{ClientFrame, Close, Outcome, ServerFrame, Terms, Welcome},
};

const CLIENTS: usize = 10_000;
/// When the server goes away: all have been connected for long enough by then.
const END: Duration = Duration::from_secs(60);
/// A window of the histogram.
const WINDOW: Duration = Duration::from_millis(100);
/// On the network, at least and at most, each way.
const LATENCY: [u64; 2] = [5, 60];
/// A client that is not back by then will not come.
const LIMIT: Duration = Duration::from_secs(180);

/// What becomes of the server.
struct Story {
    /// When connections can be made, from and until.
    is_up: fn(Duration) -> bool,
    /// How long a connection lasts.
    lasts: fn(usize, Duration) -> Option<Ending>,
}

/// When and how a connection ends.
struct Ending {
    at: Duration,
    code: Option<CloseCode>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Timer,
    Opened(u64),
    Refused(u64),
    Received(u64, Vec<u8>),
    Lost(u64),
}

struct World {
    story: Story,
    clients: Vec<Client>,
    agenda: BinaryHeap<Reverse<(Duration, usize, Happening)>>,
    /// The next timer of each client, as it stands on the agenda.
    timers: Vec<Option<Duration>>,
    random: u64,
    /// When connections were made, and when they could not be.
    arrivals: Vec<Duration>,
    refusals: Vec<Duration>,
}

impl World {
    fn new(story: Story, clients: usize) -> Self {
        let now = Instant::new(Duration::ZERO);
        let clients: Vec<Client> = (0..clients)
            .map(|number| Client::new(now, Settings::default(), 0x5eed + number as u64 * 7919))
            .collect();
        let mut world = Self {
            story,
            timers: vec![None; clients.len()],
            clients,
            agenda: BinaryHeap::new(),
            random: 1,
            arrivals: Vec::new(),
            refusals: Vec::new(),
        };
        for client in 0..world.clients.len() {
            world.tell(Duration::ZERO, client, Input::Connect);
        }
        world
    }

    fn latency(&mut self) -> Duration {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [least, most] = LATENCY;
        Duration::from_millis(least + (self.random >> 33) % (most - least))
    }

    fn run(&mut self, until: Duration) {
        while let Some(Reverse((at, client, happening))) = self.agenda.pop() {
            if at > until {
                self.agenda.push(Reverse((at, client, happening)));
                return;
            }
            match happening {
                // Another has taken its place.
                Happening::Timer if self.timers[client] != Some(at) => {}
                Happening::Timer => {
                    self.timers[client] = None;
                    self.tell(at, client, Input::Timeout);
                }
                Happening::Opened(attempt) => self.tell(at, client, Input::Opened(Attempt(attempt))),
                Happening::Refused(attempt) | Happening::Lost(attempt) => {
                    self.tell(at, client, Input::Lost(Attempt(attempt), None));
                }
                Happening::Received(attempt, batch) => self.tell(at, client, Input::Received(Attempt(attempt), &batch)),
            }
        }
    }

    fn tell(&mut self, now: Duration, client: usize, input: Input<'_>) {
        self.clients[client].handle_input(Instant::new(now), input);
        loop {
            match self.clients[client].poll_output() {
                Output::Connect(Attempt(attempt), _) => self.connect(now, client, attempt),
                Output::Send(Attempt(attempt), batch) => self.answer(now, client, attempt, &batch),
                Output::Timeout(at) => {
                    let at = at.map(Instant::elapsed);
                    if let Some(at) = at.filter(|at| self.timers[client] != Some(*at)) {
                        self.agenda.push(Reverse((at, client, Happening::Timer)));
                    }
                    self.timers[client] = at;
                    return;
                }
                _ => {}
            }
        }
    }

    fn connect(&mut self, now: Duration, client: usize, attempt: u64) {
        let at = now + self.latency();
        let back = at + self.latency();
        if (self.story.is_up)(at) {
            self.arrivals.push(at);
            self.agenda.push(Reverse((back, client, Happening::Opened(attempt))));
        } else {
            self.refusals.push(at);
            self.agenda.push(Reverse((back, client, Happening::Refused(attempt))));
        }
    }

    /// The server's part: it welcomes, and says farewell or not.
    fn answer(&mut self, now: Duration, client: usize, attempt: u64, batch: &[u8]) {
        let Some(Ok(ClientFrame::Hello(hello))) = decode::<ClientFrame<'_>>(batch).next() else {
            return;
        };
        let at = now + self.latency();
        let session = SessionId((client as u128 + 1).to_be_bytes());
        let welcome = ServerFrame::Welcome(Welcome {
            outcome: if hello.session == Some(session) {
                Outcome::Resumed
            } else {
                Outcome::New
            },
            session,
            member: "somebody",
            settled: Sequence(0),
            terms: Terms {
                ping_interval: Duration::from_secs(3600),
                ..Terms::default()
            },
        });
        let mut batch = Vec::new();
        welcome.encode(&mut batch);
        let back = at + self.latency();
        self.agenda
            .push(Reverse((back, client, Happening::Received(attempt, batch))));
        if let Some(Ending { at, code }) = (self.story.lasts)(client, at) {
            let at = (at + self.latency()).max(back);
            let mut batch = Vec::new();
            let happening = match code {
                None => Happening::Lost(attempt),
                Some(code) => {
                    ServerFrame::Close(Close { code, reason: "" }).encode(&mut batch);
                    Happening::Received(attempt, batch)
                }
            };
            self.agenda.push(Reverse((at, client, happening)));
        }
    }

    fn all_are_back(&self) -> bool {
        self.clients.iter().all(|client| client.state() == ClientState::Open)
    }
}

/// How many fall into each window from the first moment to the last of them.
fn histogram(times: &[Duration], from: Duration) -> Vec<usize> {
    let mut windows = Vec::new();
    for time in times.iter().filter(|time| **time >= from) {
        let index = ((*time - from).as_nanos() / WINDOW.as_nanos()) as usize;
        windows.resize(windows.len().max(index + 1), 0);
        windows[index] += 1;
    }
    windows
}

/// Prints it in lines of seconds, and returns how many times the mean the fullest window has.
fn peak(title: &str, windows: &[usize]) -> f64 {
    let total: usize = windows.iter().sum();
    let mean = total as f64 / windows.len().max(1) as f64;
    let most = windows.iter().copied().max().unwrap_or_default() as f64;
    println!(
        "{title}: {total} in {} windows of 100 ms, {mean:.1} each, at most {most}: {:.2} times the mean",
        windows.len(),
        most / mean
    );
    for (second, tenths) in windows.chunks(10).enumerate() {
        println!("{second:>4} s {:>5}  {tenths:?}", tenths.iter().sum::<usize>());
    }
    most / mean
}

const AWAY: Duration = Duration::from_secs(30);

#[test]
fn a_server_that_dies_for_half_a_minute_is_not_overrun_when_it_is_back() {
    let story = Story {
        is_up: |at| at < END || at >= END + AWAY,
        lasts: |_, at| (at < END).then_some(Ending { at: END, code: None }),
    };
    let mut world = World::new(story, CLIENTS);
    world.run(LIMIT);
    assert!(world.all_are_back());
    peak("attempts while it is away", &histogram(&world.refusals, END));
    let peak = peak("arrivals after its return", &histogram(&world.arrivals, END + AWAY));
    assert!(peak <= 3.0, "{peak}");
}

const DRAIN: Duration = Duration::from_secs(20);
const RESTART: Duration = Duration::from_secs(2);

fn drained(client: usize, at: Duration) -> Option<Ending> {
    let end = END + DRAIN.mul_f64(client as f64 / CLIENTS as f64);
    let code = Some(CloseCode::GOING_AWAY);
    (at < END).then_some(Ending { at: end, code })
}

#[test]
fn a_server_that_drains_and_restarts_is_not_overrun_when_it_is_back() {
    let story = Story {
        is_up: |at| at < END || at >= END + DRAIN + RESTART,
        lasts: drained,
    };
    let mut world = World::new(story, CLIENTS);
    world.run(LIMIT);
    assert!(world.all_are_back());
    peak(
        "attempts while it drains and restarts",
        &histogram(&world.refusals, END),
    );
    let peak = peak(
        "arrivals after its return",
        &histogram(&world.arrivals, END + DRAIN + RESTART),
    );
    assert!(peak <= 3.0, "{peak}");
}

#[test]
fn the_clients_of_a_server_that_drains_come_to_another_evenly() {
    let story = Story {
        is_up: |_| true,
        lasts: drained,
    };
    let mut world = World::new(story, CLIENTS);
    world.run(LIMIT);
    assert!(world.all_are_back());
    let peak = peak("arrivals at another server", &histogram(&world.arrivals, END));
    assert!(peak <= 1.5, "{peak}");
}

#[test]
fn a_server_that_opens_and_dies_is_tried_less_and_less_often() {
    let story = Story {
        is_up: |_| true,
        lasts: |_, at| {
            Some(Ending {
                at: at + Duration::from_millis(200),
                code: None,
            })
        },
    };
    let mut world = World::new(story, 100);
    world.run(Duration::from_secs(600));
    let of_each = world.arrivals.len() as f64 / 100.0;
    let windows = histogram(&world.arrivals, Duration::from_secs(100));
    let later = windows.iter().sum::<usize>() as f64 / 100.0;
    println!("each tried {of_each} times in ten minutes, {later} of them after the first hundred seconds");
    // At the cap of 20 s a wait is 10 s in the mean.
    assert!(later < 60.0, "{later}");
}
