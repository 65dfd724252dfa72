//! Which kind of transport a client tries when: how soon it can talk on a network that lets no streams through.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    Instant,
    client::{Attempt, Client, ClientState, Input, Output, Settings, TransportKind},
    frame::Outcome,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::climbing::welcome;

/// What becomes of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streams {
    Refused,
    /// Opened, and killed after 200 ms.
    Killed,
    /// The same, and the welcome has come by then.
    KilledAfterWelcome,
    NeverOpened,
    /// Opened, and nothing comes back.
    Held,
}

enum Happening {
    Opened,
    Lost,
    Welcome,
}

/// A client on such a network; polls get through.
struct Network {
    now: Instant,
    streams: Streams,
    client: Client,
    agenda: BTreeMap<(Instant, Attempt), Happening>,
    /// What was tried, in order.
    tried: Vec<TransportKind>,
}

impl Network {
    fn new(streams: Streams, seed: u64, adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            transports: vec![TransportKind::Stream, TransportKind::Polls],
            ..Settings::default()
        };
        adjust(&mut settings);
        let now = Instant::new(Duration::from_secs(1));
        Self {
            now,
            streams,
            client: Client::new(now, settings, seed),
            agenda: BTreeMap::new(),
            tried: Vec::new(),
        }
    }

    /// Tells it something, and does what it wants. Returns when it wants to be woken.
    fn tell(&mut self, input: Input<'_>) -> Option<Instant> {
        self.client.handle_input(self.now, input);
        loop {
            match self.client.poll_output() {
                Output::Connect(attempt, index) => self.connect(attempt, index),
                Output::Disconnect(attempt) => self.agenda.retain(|(_, of), _| *of != attempt),
                Output::Timeout(at) => return at,
                _ => {}
            }
        }
    }

    fn connect(&mut self, attempt: Attempt, index: usize) {
        let kind = self.client.kind(index);
        self.tried.push(kind);
        let happenings = match (kind, self.streams) {
            (TransportKind::Polls, _) => vec![(40, Happening::Welcome)],
            (_, Streams::NeverOpened) => vec![],
            (_, Streams::Refused) => vec![(20, Happening::Lost)],
            (_, Streams::Held) => vec![(20, Happening::Opened)],
            (_, Streams::Killed) => vec![(20, Happening::Opened), (220, Happening::Lost)],
            (_, Streams::KilledAfterWelcome) => {
                vec![
                    (20, Happening::Opened),
                    (40, Happening::Welcome),
                    (220, Happening::Lost),
                ]
            }
        };
        for (after, happening) in happenings {
            let at = self.now + Duration::from_millis(after);
            self.agenda.insert((at, attempt), happening);
        }
    }

    /// How long it takes until it polls and can talk.
    fn time_to_polls(mut self) -> Duration {
        let begin = self.now;
        let mut wake = self.tell(Input::Connect);
        let mut is_resumed = false;
        loop {
            let next = self.agenda.first_key_value().map(|(key, _)| *key);
            let is_timer = wake.is_some_and(|at| next.is_none_or(|(due, _)| at < due));
            if is_timer {
                self.now = wake.expect("a timer");
                wake = self.tell(Input::Timeout);
                continue;
            }
            let ((at, attempt), happening) = self.agenda.pop_first().expect("it waits for something");
            self.now = at;
            wake = match happening {
                Happening::Opened => self.tell(Input::Opened(attempt)),
                Happening::Lost => self.tell(Input::Lost(attempt, None)),
                Happening::Welcome => {
                    let outcome = if is_resumed { Outcome::Resumed } else { Outcome::New };
                    is_resumed = true;
                    self.tell(Input::Received(attempt, &welcome(outcome)))
                }
            };
            if self.client.transport() == Some(TransportKind::Polls) {
                return self.now.since(begin);
            }
            assert!(self.now.since(begin) < Duration::from_secs(60), "{:?}", self.streams);
        }
    }
}

#[test]
fn a_client_talks_within_five_seconds_whatever_becomes_of_its_streams() {
    for (streams, longest) in [
        (Streams::Refused, 600),
        (Streams::Killed, 800),
        (Streams::KilledAfterWelcome, 4300),
        (Streams::NeverOpened, 3600),
        (Streams::Held, 3600),
    ] {
        for seed in 0..500 {
            let time = Network::new(streams, seed, |_| {}).time_to_polls();
            assert!(
                time <= Duration::from_millis(longest),
                "{streams:?}, seed {seed}: {time:?}"
            );
        }
    }
}

#[test]
fn one_that_begins_with_what_worked_talks_at_once() {
    for streams in [Streams::Refused, Streams::NeverOpened] {
        let network = Network::new(streams, 1, |settings| settings.begin_with = 1);
        assert_eq!(network.time_to_polls(), Duration::from_millis(40));
    }
}

#[test]
fn a_stream_that_was_of_use_is_tried_three_times_before_polls() {
    let mut network = Network::new(Streams::Refused, 1, |_| {});
    network.tell(Input::Connect);
    network.tell(Input::Opened(Attempt(1)));
    network.tell(Input::Received(Attempt(1), &welcome(Outcome::New)));
    network.now = network.now + Settings::default().useful_after;
    network.tell(Input::Lost(Attempt(1), None));
    for attempt in 2..6 {
        network.tell(Input::Lost(Attempt(attempt), None));
        network.tell(Input::Wake);
    }
    let [stream, polls] = [TransportKind::Stream, TransportKind::Polls];
    assert_eq!(network.tried[..5], [stream, stream, stream, stream, polls]);
}

#[test]
fn what_is_late_on_another_network_is_not_waited_for() {
    let mut network = Network::new(Streams::NeverOpened, 1, |_| {});
    network.tell(Input::Connect);
    network.tell(Input::Opened(Attempt(1)));
    network.tell(Input::Received(Attempt(1), &welcome(Outcome::New)));
    network.now = network.now + Settings::default().useful_after;
    let wake = network.tell(Input::Lost(Attempt(1), None));
    assert_eq!(network.client.state(), ClientState::Connecting);
    assert_eq!(wake, Some(network.now + Settings::default().give_way_after));
    network.now = wake.expect("a timer");
    network.tell(Input::Timeout);
    network.tell(Input::Wake);
    assert_eq!(network.tried.last(), Some(&TransportKind::Polls));
}

#[test]
fn where_there_is_nothing_else_a_stream_has_its_time() {
    let mut network = Network::new(Streams::NeverOpened, 1, |settings| settings.transports.truncate(1));
    let wake = network.tell(Input::Connect);
    assert_eq!(wake, Some(network.now + Settings::default().connect_timeout));
}

#[test]
fn a_stream_is_not_blamed_for_the_network_being_gone() {
    let mut network = Network::new(Streams::Refused, 1, |_| {});
    network.tell(Input::Connect);
    for attempt in 1..6 {
        let outcome = if attempt == 1 { Outcome::New } else { Outcome::Resumed };
        network.tell(Input::Opened(Attempt(attempt)));
        network.tell(Input::Received(Attempt(attempt), &welcome(outcome)));
        network.tell(Input::Offline);
        network.tell(Input::Lost(Attempt(attempt), None));
        assert_eq!(network.client.state(), ClientState::Offline);
        network.tell(Input::Online);
    }
    assert_eq!(network.tried, [TransportKind::Stream; 6]);
}
