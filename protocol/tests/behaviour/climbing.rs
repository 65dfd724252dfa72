//! From polls back to a stream, as the client's side does it.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Frame as _, Instant, RoomName, Sequence, SessionId,
    client::{Attempt, Client, ClientState, Event, Input, Output, Settings, TransportKind},
    decode,
    frame::{ClientFrame, Outcome, ServerFrame, Terms, Welcome},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(crate) const CLIMB_AFTER: Duration = Duration::from_secs(10);

/// A client that could not have a stream, and what it has wanted since it polls.
pub(crate) struct Climber {
    now: Instant,
    pub(crate) client: Client,
}

impl Climber {
    pub(crate) fn polling() -> Self {
        let settings = Settings {
            transports: vec![TransportKind::Stream, TransportKind::Polls],
            failures_before_next: 1,
            climb_after: CLIMB_AFTER,
            ..Settings::default()
        };
        let now = Instant::new(Duration::from_secs(1));
        let mut climber = Self {
            now,
            client: Client::new(now, settings, 1),
        };
        climber.tell(Input::Connect);
        climber.tell(Input::Lost(Attempt(1), None));
        climber.tell(Input::Wake);
        let wanted = climber.tell(Input::Received(Attempt(2), &welcome(Outcome::New)));
        assert_eq!(connects(&wanted), [(Attempt(3), 1)]);
        climber
    }

    /// One whose stream is being opened, as this attempt.
    pub(crate) fn climbing() -> (Self, Attempt) {
        let mut climber = Self::polling();
        let wanted = climber.after(CLIMB_AFTER);
        assert_eq!(connects(&wanted), [(Attempt(4), 0)]);
        (climber, Attempt(4))
    }

    pub(crate) fn tell(&mut self, input: Input<'_>) -> Vec<Output> {
        self.client.handle_input(self.now, input);
        self.wants()
    }

    /// Has these kinds from now on.
    pub(crate) fn chooses(&mut self, kinds: &[TransportKind]) -> Vec<Output> {
        self.client.set_transports(self.now, kinds.to_vec());
        self.wants()
    }

    fn wants(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        loop {
            match self.client.poll_output() {
                Output::Timeout(_) => return outputs,
                output => outputs.push(output),
            }
            assert!(outputs.len() < 100, "it does not come to rest");
        }
    }

    pub(crate) fn after(&mut self, time: Duration) -> Vec<Output> {
        self.now = self.now + time;
        self.tell(Input::Timeout)
    }
}

pub(crate) fn welcome(outcome: Outcome) -> Vec<u8> {
    welcome_to(outcome, SessionId([1; 16]))
}

fn welcome_to(outcome: Outcome, session: SessionId) -> Vec<u8> {
    let mut batch = Vec::new();
    let welcome = Welcome {
        outcome,
        session,
        member: "me",
        settled: Sequence(0),
        terms: Terms {
            // Longer than anything here takes.
            ping_interval: Duration::from_secs(3600),
            ..Terms::default()
        },
    };
    ServerFrame::Welcome(welcome).encode(&mut batch);
    batch
}

pub(crate) fn connects(outputs: &[Output]) -> Vec<(Attempt, usize)> {
    let connects = outputs.iter().filter_map(|output| match output {
        Output::Connect(attempt, kind) => Some((*attempt, *kind)),
        _ => None,
    });
    connects.collect()
}

/// The attempts that hello was said for, on which transport.
fn hellos(outputs: &[Output]) -> Vec<(Attempt, u64)> {
    let hellos = outputs.iter().filter_map(|output| match output {
        Output::Send(attempt, batch) => match decode(batch).next() {
            Some(Ok(ClientFrame::Hello(hello))) => Some((*attempt, hello.attempt)),
            _ => None,
        },
        _ => None,
    });
    hellos.collect()
}

fn events(outputs: &[Output]) -> usize {
    let events = outputs.iter().filter(|output| matches!(output, Output::Event(_)));
    events.count()
}

#[test]
fn a_stream_is_tried_beside_polls_that_go_on() {
    let (mut climber, stream) = Climber::climbing();
    let wanted = climber.tell(Input::Received(Attempt(3), &welcome(Outcome::Resumed)));
    assert_eq!(connects(&wanted), [(Attempt(5), 1)]);
    let wanted = climber.tell(Input::Lost(stream, None));
    assert_eq!(wanted, []);
    // Each time it waits twice as long, up to ten times.
    for (number, wait) in [2, 4, 8, 10, 10].into_iter().enumerate() {
        let just_before = CLIMB_AFTER * wait - Duration::from_nanos(1);
        assert_eq!(climber.after(just_before), []);
        let wanted = climber.after(Duration::from_nanos(1));
        let stream = Attempt(6 + number as u64);
        assert_eq!(connects(&wanted), [(stream, 0)]);
        climber.tell(Input::Lost(stream, None));
    }
}

#[test]
fn a_stream_that_does_not_open_in_time_is_given_up_alone() {
    let (mut climber, stream) = Climber::climbing();
    let wanted = climber.after(Settings::default().connect_timeout);
    assert_eq!(wanted, [Output::Disconnect(stream)]);
    assert_eq!(climber.client.state(), ClientState::Open);
}

#[test]
fn a_session_moves_to_the_stream_without_a_word() {
    let (mut climber, stream) = Climber::climbing();
    climber.tell(Input::Received(Attempt(3), &welcome(Outcome::Resumed)));
    let wanted = climber.tell(Input::Opened(stream));
    assert_eq!(wanted[0], Output::Disconnect(Attempt(5)));
    // The poll has overtaken the attempt to open it.
    assert_eq!(hellos(&wanted), [(stream, 6)]);
    assert_eq!(
        (events(&wanted), climber.client.transport()),
        (0, Some(TransportKind::Polls))
    );
    let moved = climber.tell(Input::Received(stream, &welcome(Outcome::Resumed)));
    assert_eq!(moved, [Output::Event(Event::Moved)]);
    assert_eq!(climber.client.transport(), Some(TransportKind::Stream));
    assert_eq!(climber.after(CLIMB_AFTER), [], "it is where it would be");
    assert_eq!(climber.client.state(), ClientState::Open);
}

#[test]
fn a_stream_that_is_not_welcomed_in_time_gives_the_session_back() {
    let probe_timeout = Settings::default().probe_timeout;
    for is_lost in [true, false] {
        let (mut climber, stream) = Climber::climbing();
        climber.tell(Input::Opened(stream));
        // What came of the poll before is of no interest.
        assert_eq!(climber.tell(Input::Lost(Attempt(3), None)), []);
        let wanted = match is_lost {
            true => climber.tell(Input::Lost(stream, None)),
            false => climber.after(probe_timeout),
        };
        assert_eq!(wanted.contains(&Output::Disconnect(stream)), !is_lost);
        assert_eq!((hellos(&wanted), events(&wanted)), (vec![(Attempt(6), 6)], 0));
        assert_eq!(climber.client.transport(), Some(TransportKind::Polls));
    }
}

#[test]
fn a_stream_that_dies_soon_after_its_welcome_is_left_for_polls_at_the_first_time() {
    let (mut climber, stream) = Climber::climbing();
    climber.tell(Input::Opened(stream));
    climber.tell(Input::Received(stream, &welcome(Outcome::Resumed)));
    climber.after(Duration::from_millis(200));
    let wanted = climber.tell(Input::Lost(stream, None));
    assert!(matches!(climber.client.state(), ClientState::Waiting(_)), "{wanted:?}");
    let wanted = climber.tell(Input::Wake);
    assert_eq!(connects(&wanted), [(Attempt(6), 1)]);
}

#[test]
fn nothing_is_left_open_when_a_client_ends_or_loses_its_polls() {
    for input in [Input::Close, Input::Lost(Attempt(3), None)] {
        let (mut climber, stream) = Climber::climbing();
        let wanted = climber.tell(input);
        assert!(wanted.contains(&Output::Disconnect(stream)), "{wanted:?}");
        assert_eq!(climber.tell(Input::Opened(stream)), []);
    }
}

#[test]
fn a_session_that_is_replaced_on_the_stream_is_told() {
    let (mut climber, stream) = Climber::climbing();
    climber.tell(Input::Opened(stream));
    let wanted = climber.tell(Input::Received(
        stream,
        &welcome_to(Outcome::Replaced, SessionId([2; 16])),
    ));
    let is_told = |output: &Output| {
        matches!(
            output,
            Output::Event(Event::Opened {
                outcome: Outcome::Replaced,
                ..
            })
        )
    };
    assert!(wanted.iter().any(is_told), "{wanted:?}");
}

#[test]
fn a_poll_that_is_too_large_three_times_ends_the_session() {
    let too_large = |attempt| Input::Lost(attempt, Some(CloseCode::MESSAGE_TOO_BIG));
    let settings = Settings {
        transports: vec![TransportKind::Polls],
        ..Settings::default()
    };
    let now = Instant::new(Duration::from_secs(1));
    let mut climber = Climber {
        now,
        client: Client::new(now, settings, 1),
    };
    climber.tell(Input::Connect);
    let wanted = climber.tell(Input::Received(Attempt(1), &welcome(Outcome::New)));
    let mut attempt = connects(&wanted)[0].0;
    // Between two that were answered it counts anew.
    for refusals in [2, 2, 3] {
        for _ in 0..refusals {
            assert_eq!(climber.client.state(), ClientState::Open);
            climber.tell(too_large(attempt));
            let wanted = climber.tell(Input::Wake);
            let Some((again, _)) = connects(&wanted).pop() else {
                continue;
            };
            // That the client is there again says nothing of what is too large.
            let wanted = climber.tell(Input::Received(again, &welcome(Outcome::Resumed)));
            attempt = connects(&wanted)[0].0;
        }
        if refusals == 2 {
            let wanted = climber.tell(Input::Received(attempt, &welcome(Outcome::Resumed)));
            attempt = connects(&wanted)[0].0;
        }
    }
    assert_eq!(climber.client.state(), ClientState::Closed(CloseCode::MESSAGE_TOO_BIG));
}

#[test]
fn another_try_after_a_stream_that_died_soon_takes_twice_as_long_to_come() {
    let (mut climber, stream) = Climber::climbing();
    climber.tell(Input::Opened(stream));
    climber.tell(Input::Received(stream, &welcome(Outcome::Resumed)));
    climber.tell(Input::Lost(stream, None));
    climber.tell(Input::Wake);
    climber.tell(Input::Received(Attempt(6), &welcome(Outcome::Resumed)));
    assert_eq!(climber.client.transport(), Some(TransportKind::Polls));
    assert_eq!(connects(&climber.after(CLIMB_AFTER)), []);
    let wanted = climber.after(CLIMB_AFTER);
    assert!(matches!(connects(&wanted)[..], [(_, 0)]), "{wanted:?}");
}

#[test]
fn what_is_due_before_a_stream_is_does_not_hurry_it() {
    let expire = |climber: &mut Climber| {
        // The first is under way, and the second waits for its answer.
        for text in ["under way", "waits"] {
            let room = RoomName::new("lobby").expect("a name");
            let ttl = Some(Duration::from_millis(10));
            let published = climber.client.publish(climber.now, room, text.into(), ttl);
            published.expect("room for it");
            climber.tell(Input::Timeout);
        }
        let wanted = climber.after(Duration::from_millis(10));
        assert!(
            matches!(wanted[..], [Output::Event(Event::PublishFailed(..))]),
            "{wanted:?}"
        );
    };
    // It is not tried early,
    expire(&mut Climber::polling());
    // and not given up early.
    let (mut climber, _) = Climber::climbing();
    expire(&mut climber);
}
