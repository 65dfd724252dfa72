//! The server's side of a connection: order, deadlines, limits.

use std::time::Duration;

use tidewire_protocol::{
    Asked, Attached, CloseCode, ConnectionId, Epoch, Frame, Instant, Log, MemberId, Offset, OwnedPayload, Position,
    Request, Retention, RoomName, RoomNumber, Sequence, SessionId, Sessions, Term, decode,
    frame::{
        ClientFrame, Close, Gap, GapCause, Hello, Nonce, Outcome, Payload, PresenceWanted, Publish, RefusalCode,
        Refused, RefusedWhat, ServerFrame, Start, Subscribe, Terms, Token, VERSION,
    },
    server::{Action, Connection, Input, Output, Settings, Told},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(crate) const START: Instant = Instant::new(Duration::from_secs(1));
pub(crate) const SESSION: SessionId = SessionId([9; 16]);

pub(crate) fn just_before(moment: Instant) -> Instant {
    Instant::new(moment.elapsed() - Duration::from_nanos(1))
}

pub(crate) fn settings() -> Settings {
    let terms = Terms {
        max_subscriptions: 2,
        max_payload_bytes: 10,
        ..Terms::default()
    };
    Settings {
        terms,
        ..Settings::default()
    }
}

pub(crate) fn hello() -> ClientFrame<'static> {
    let token = Token(b"");
    ClientFrame::Hello(Hello {
        version: VERSION,
        attempt: 1,
        session: None,
        answered: Sequence(0),
        token,
    })
}

pub(crate) fn encoded(frames: &[ClientFrame<'_>]) -> Vec<u8> {
    let mut batch = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut batch));
    batch
}

/// What a connection sends, one line a frame, and does.
pub(crate) fn outputs(connection: &mut Connection) -> (Vec<String>, Vec<Action>) {
    let (mut sent, mut actions) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        match connection.poll_output() {
            Output::Send(batch) => {
                sent.extend(decode::<ServerFrame<'_>>(&batch).map(|it| format!("{:?}", it.expect("a frame"))))
            }
            Output::Do(action) => actions.push(action),
            Output::Told(_) => {}
            Output::Timeout(_) => return (sent, actions),
            output => panic!("{output:?}"),
        }
    }
    panic!("it does not come to rest");
}

pub(crate) fn deadline(connection: &mut Connection) -> Option<Instant> {
    outputs(connection);
    match connection.poll_output() {
        Output::Timeout(at) => at,
        output => panic!("{output:?}"),
    }
}

pub(crate) fn closed_with(connection: &mut Connection) -> Option<CloseCode> {
    let (_, actions) = outputs(connection);
    actions.into_iter().find_map(|action| match action {
        Action::Close(code) => Some(code),
        _ => None,
    })
}

pub(crate) fn attached() -> Attached {
    let member = MemberId::new("ann").expect("a name");
    let settled = Sequence(0);
    Attached {
        taken: Sequence(0),
        outcome: Outcome::New,
        session: SESSION,
        member,
        displaced: None,
        settled,
        answers: Vec::new(),
    }
}

fn open_with(token_expires_in: Duration) -> Connection {
    let mut connection = Connection::new(START, settings());
    connection.handle_input(START, Input::Received(&encoded(&[hello()])));
    connection.handle_input(START, Input::Attached(&attached(), token_expires_in));
    outputs(&mut connection);
    connection
}

fn open() -> Connection {
    open_with(Duration::ZERO)
}

fn subscribe(request: u32, room: &str) -> ClientFrame<'_> {
    ClientFrame::Subscribe(Subscribe {
        request: Request(request),
        start: Start::Now,
        presence: PresenceWanted::Nothing,
        room,
    })
}

#[test]
fn hello_is_awaited_for_its_time_and_not_longer() {
    let timeout = Settings::default().hello_timeout;
    let mut connection = Connection::new(START, settings());
    assert_eq!(deadline(&mut connection), Some(START + timeout));
    connection.handle_input(just_before(START + timeout), Input::Timeout);
    assert!(!connection.is_closed());
    connection.handle_input(START + timeout, Input::Timeout);
    assert_eq!(closed_with(&mut connection), Some(CloseCode::NO_HELLO));
}

#[test]
fn a_deadline_holds_even_when_the_timer_never_fires() {
    let mut connection = Connection::new(START, settings());
    let late = START + Settings::default().hello_timeout;
    connection.handle_input(late, Input::Received(&encoded(&[hello()])));
    assert_eq!(closed_with(&mut connection), Some(CloseCode::NO_HELLO));
}

#[test]
fn anything_before_hello_and_between_hello_and_welcome_is_a_fault() {
    let nothing_before = [
        subscribe(1, "r"),
        ClientFrame::Ping(Nonce(1)),
        ClientFrame::Unsubscribe { request: Request(1) },
    ];
    for frame in nothing_before {
        let mut connection = Connection::new(START, settings());
        connection.handle_input(START, Input::Received(&encoded(&[frame])));
        assert_eq!(
            closed_with(&mut connection),
            Some(CloseCode::PROTOCOL_ERROR),
            "{frame:?}"
        );
    }
    let mut connection = Connection::new(START, settings());
    connection.handle_input(START, Input::Received(&encoded(&[hello(), subscribe(1, "r")])));
    assert_eq!(closed_with(&mut connection), Some(CloseCode::PROTOCOL_ERROR));
}

#[test]
fn a_second_hello_is_a_fault() {
    let mut connection = open();
    connection.handle_input(START, Input::Received(&encoded(&[hello()])));
    assert_eq!(closed_with(&mut connection), Some(CloseCode::PROTOCOL_ERROR));
}

#[test]
fn another_version_is_told_so() {
    for version in [0, VERSION + 1] {
        let mut connection = Connection::new(START, settings());
        let ClientFrame::Hello(hello) = hello() else { panic!() };
        let batch = encoded(&[ClientFrame::Hello(Hello { version, ..hello })]);
        connection.handle_input(START, Input::Received(&batch));
        assert_eq!(closed_with(&mut connection), Some(CloseCode::UNSUPPORTED_VERSION));
    }
}

#[test]
fn a_bad_frame_closes_after_the_good_ones_before_it_were_handled() {
    let mut connection = open();
    let batch = [encoded(&[ClientFrame::Ping(Nonce(4))]), vec![0x13, 5]].concat();
    connection.handle_input(START, Input::Received(&batch));
    let (sent, actions) = outputs(&mut connection);
    assert_eq!(sent[0], format!("{:?}", ServerFrame::Pong(Nonce(4))));
    let close = Close {
        code: CloseCode::PROTOCOL_ERROR,
        reason: "protocol error",
    };
    assert_eq!(sent[1], format!("{:?}", ServerFrame::Close(close)));
    assert_eq!(actions, [Action::Close(CloseCode::PROTOCOL_ERROR)]);
}

#[test]
fn it_pings_when_it_was_quiet_and_closes_when_nothing_is_heard() {
    let Terms {
        ping_interval,
        silence_timeout,
        ..
    } = settings().terms;
    let mut connection = open();
    assert_eq!(deadline(&mut connection), Some(START + ping_interval));
    connection.handle_input(START + ping_interval, Input::Timeout);
    assert_eq!(
        outputs(&mut connection).0,
        [format!("{:?}", ServerFrame::Ping(Nonce(0)))]
    );
    connection.handle_input(just_before(START + silence_timeout), Input::Timeout);
    assert!(!connection.is_closed());
    connection.handle_input(START + silence_timeout, Input::Timeout);
    assert_eq!(closed_with(&mut connection), Some(CloseCode::SILENT));
}

#[test]
fn messages_of_a_room_stand_in_for_a_ping_and_their_absence_does_not() {
    let ping_interval = settings().terms.ping_interval;
    let mut log = Log::new(RoomNumber(1), Epoch(1), Retention::default());
    let mut connection = open();
    connection.handle_input(START, Input::Received(&encoded(&[subscribe(1, "a")])));
    let opened = Ok((log.room(), log.cursor(Start::Now)));
    connection.handle_input(START, Input::Subscribed(Request(1), opened));
    outputs(&mut connection);
    let later = START + ping_interval / 2;
    connection.handle_input(later, Input::Timeout);
    assert!(connection.poll_room(&mut log, 1000).is_empty());
    assert_eq!(deadline(&mut connection), Some(START + ping_interval));
    log.append(later, "bob", Payload::Text("something"));
    assert_eq!(connection.poll_room(&mut log, 1000).count(), 1);
    assert_eq!(deadline(&mut connection), Some(later + ping_interval));
}

#[test]
fn signals_and_presence_stand_in_for_a_ping_too() {
    let ping_interval = settings().terms.ping_interval;
    let mut connection = open();
    let later = START + ping_interval / 2;
    connection.handle_input(later, Input::Timeout);
    connection.handle_beside();
    assert_eq!(deadline(&mut connection), Some(later + ping_interval));
}

#[test]
fn who_is_silent_for_too_long_before_hello_is_told_so() {
    let mut settings = settings();
    settings.terms.silence_timeout = settings.hello_timeout / 2;
    let mut connection = Connection::new(START, settings);
    let silence = START + settings.terms.silence_timeout;
    assert_eq!(deadline(&mut connection), Some(silence));
    connection.handle_input(silence, Input::Timeout);
    assert_eq!(closed_with(&mut connection), Some(CloseCode::SILENT));
}

#[test]
fn what_was_heard_counts_before_the_silence_does() {
    let mut connection = open();
    let late = START + settings().terms.silence_timeout * 2;
    connection.handle_input(late, Input::Received(&encoded(&[ClientFrame::Pong(Nonce(0))])));
    assert!(!connection.is_closed());
}

#[test]
fn a_token_is_good_for_its_time_and_can_be_renewed_in_place() {
    let ttl = Duration::from_secs(10);
    let mut connection = open_with(ttl);
    connection.handle_input(
        just_before(START + ttl),
        Input::Received(&encoded(&[ClientFrame::Authenticate { token: Token(b"new") }])),
    );
    let (_, actions) = outputs(&mut connection);
    assert_eq!(
        actions,
        [Action::Authenticate {
            token: Box::from(&b"new"[..])
        }]
    );
    connection.handle_input(just_before(START + ttl), Input::Authenticated(ttl));
    connection.handle_input(START + ttl, Input::Timeout);
    assert!(!connection.is_closed());
    connection.handle_input(START + ttl * 2, Input::Timeout);
    assert_eq!(closed_with(&mut connection), Some(CloseCode::TOKEN_EXPIRED));
}

#[test]
fn one_subscription_more_than_allowed_is_refused_and_the_rest_goes_on() {
    let mut connection = open();
    let batch = encoded(&[subscribe(1, "a"), subscribe(2, "b"), subscribe(3, "c")]);
    connection.handle_input(START, Input::Received(&batch));
    let (sent, actions) = outputs(&mut connection);
    let refused = Refused {
        what: RefusedWhat::Subscription(Request(3)),
        code: RefusalCode::TOO_MANY_SUBSCRIPTIONS,
    };
    assert_eq!(sent, [format!("{:?}", ServerFrame::Refused(refused))]);
    assert_eq!(actions.len(), 2);
    let batch = encoded(&[ClientFrame::Unsubscribe { request: Request(1) }, subscribe(4, "c")]);
    connection.handle_input(START, Input::Received(&batch));
    assert_eq!(outputs(&mut connection).1.len(), 2, "one leaves, one comes");
}

#[test]
fn a_room_twice_is_refused_and_a_request_twice_is_a_fault() {
    let mut connection = open();
    connection.handle_input(
        START,
        Input::Received(&encoded(&[subscribe(1, "a"), subscribe(2, "a")])),
    );
    let refused = Refused {
        what: RefusedWhat::Subscription(Request(2)),
        code: RefusalCode::ALREADY_SUBSCRIBED,
    };
    assert_eq!(
        outputs(&mut connection).0,
        [format!("{:?}", ServerFrame::Refused(refused))]
    );
    connection.handle_input(START, Input::Received(&encoded(&[subscribe(1, "b")])));
    assert_eq!(closed_with(&mut connection), Some(CloseCode::PROTOCOL_ERROR));
}

#[test]
fn a_subscription_that_was_refused_makes_room() {
    let mut connection = open();
    connection.handle_input(
        START,
        Input::Received(&encoded(&[subscribe(1, "a"), subscribe(2, "b")])),
    );
    connection.handle_input(START, Input::Subscribed(Request(2), Err(RefusalCode::UNAVAILABLE)));
    outputs(&mut connection);
    connection.handle_input(START, Input::Received(&encoded(&[subscribe(3, "b")])));
    assert_eq!(outputs(&mut connection).1.len(), 1);
}

#[test]
fn a_payload_over_the_limit_is_refused_in_its_place() {
    let mut connection = open();
    let publish = |sequence, text| {
        ClientFrame::Publish(Publish {
            sequence: Sequence(sequence),
            room: "r",
            payload: Payload::Text(text),
        })
    };
    connection.handle_input(
        START,
        Input::Received(&encoded(&[publish(1, "0123456789"), publish(2, "0123456789a")])),
    );
    let room = RoomName::new("r").expect("a name");
    let (_, actions) = outputs(&mut connection);
    let text = OwnedPayload::Text("0123456789".into());
    assert_eq!(
        actions,
        [
            Action::Publish {
                sequence: Sequence(1),
                room: room.clone(),
                payload: Ok(text)
            },
            Action::Publish {
                sequence: Sequence(2),
                room,
                payload: Err(RefusalCode::PAYLOAD_TOO_BIG)
            },
        ]
    );
}

#[test]
fn only_a_normal_close_ends_the_session() {
    for (code, ends) in [(CloseCode::NORMAL, true), (CloseCode::GOING_AWAY, false)] {
        let mut connection = open();
        connection.handle_input(
            START,
            Input::Received(&encoded(&[ClientFrame::Close(Close { code, reason: "" })])),
        );
        assert_eq!(outputs(&mut connection).1.contains(&Action::End), ends, "{code}");
        assert!(connection.is_closed());
    }
}

#[test]
fn frames_are_counted_until_they_are_asked_for() {
    let mut connection = open();
    assert_eq!(connection.take_frames(), 1, "hello");
    let ping = ClientFrame::Ping(Nonce(1));
    connection.handle_input(START, Input::Received(&encoded(&[ping, subscribe(1, "a"), ping])));
    connection.handle_input(START, Input::Received(&encoded(&[ping])));
    assert_eq!((connection.take_frames(), connection.take_frames()), (4, 0));
    // What is not looked at any more does not count, and what is wrong does.
    let batch = [&encoded(&[ping])[..], &[0x7f, 0], &encoded(&[ping])].concat();
    connection.handle_input(START, Input::Received(&batch));
    assert_eq!(connection.take_frames(), 2);
}

#[test]
fn nothing_is_taken_in_after_the_end() {
    let mut connection = open();
    connection.handle_input(START, Input::Close(CloseCode::GOING_AWAY));
    outputs(&mut connection);
    connection.handle_input(START, Input::Received(&encoded(&[ClientFrame::Ping(Nonce(1))])));
    connection.handle_input(START + Duration::from_secs(3600), Input::Timeout);
    assert_eq!(outputs(&mut connection), (vec![], vec![]));
    assert_eq!(deadline(&mut connection), None);
}

#[test]
fn a_rooms_frames_come_to_who_subscribed_and_to_nobody_else() {
    let mut log = Log::new(RoomNumber(1), Epoch(1), Retention::default());
    let mut connection = open();
    connection.handle_input(START, Input::Received(&encoded(&[subscribe(1, "a")])));
    log.append(START, "bob", Payload::Text("before"));
    assert!(connection.poll_room(&mut log, 1000).is_empty(), "not opened yet");
    connection.handle_input(
        START,
        Input::Subscribed(Request(1), Ok((log.room(), log.cursor(Start::Now)))),
    );
    log.append(START, "bob", Payload::Text("after"));
    assert_eq!(connection.poll_room(&mut log, 1000).count(), 1);
    assert!(connection.poll_room(&mut log, 1000).is_empty());
    let mut other = Log::new(RoomNumber(2), Epoch(1), Retention::default());
    other.append(START, "bob", Payload::Text("elsewhere"));
    assert!(connection.poll_room(&mut other, 1000).is_empty());
}

#[test]
fn a_subscription_that_skips_is_told_what_it_missed_and_goes_on_at_the_logs_end() {
    let mut log = Log::new(RoomNumber(1), Epoch(1), Retention::default());
    let mut connection = open();
    connection.handle_input(
        START,
        Input::Received(&encoded(&[subscribe(1, "a"), subscribe(2, "b")])),
    );
    let begun = |log: &Log| Ok((log.room(), log.cursor(Start::Now)));
    connection.handle_input(START, Input::Subscribed(Request(1), begun(&log)));
    let mut other = Log::new(RoomNumber(2), Epoch(1), Retention::default());
    connection.handle_input(START, Input::Subscribed(Request(2), begun(&other)));
    for log in [&mut log, &mut other] {
        log.append(START, "bob", Payload::Text("one"));
        log.append(START, "bob", Payload::Text("two"));
    }
    outputs(&mut connection);
    connection.skip_room(&log);
    let gap = Gap {
        room: log.room(),
        cause: GapCause::Evicted,
        from: Offset(1),
        resume: log.head(),
    };
    assert_eq!(outputs(&mut connection).0, [format!("{:?}", ServerFrame::Gap(gap))]);
    connection.skip_room(&log);
    assert!(outputs(&mut connection).0.is_empty(), "there is nothing more to skip");
    log.append(START, "bob", Payload::Text("three"));
    assert_eq!(connection.poll_room(&mut log, 1000).count(), 1);
    assert_eq!(
        connection.poll_room(&mut other, 1000).count(),
        2,
        "another room goes on"
    );
}

#[test]
fn what_was_refused_and_what_is_missing_is_told_to_who_counts() {
    let retention = Retention {
        max_messages: 1,
        ..Retention::default()
    };
    let mut log = Log::new(RoomNumber(1), Epoch(1), retention);
    let mut connection = open();
    let told = |connection: &mut Connection| {
        std::iter::from_fn(|| match connection.poll_output() {
            Output::Timeout(_) => None,
            output => Some(output),
        })
        .filter_map(|output| match output {
            Output::Told(told) => Some(told),
            _ => None,
        })
        .collect::<Vec<_>>()
    };
    let subscribed = encoded(&[subscribe(1, "a"), subscribe(2, "a"), subscribe(3, "b")]);
    connection.handle_input(START, Input::Received(&subscribed));
    connection.handle_input(
        START,
        Input::Subscribed(Request(1), Ok((log.room(), log.cursor(Start::Now)))),
    );
    connection.handle_input(START, Input::Subscribed(Request(3), Err(RefusalCode::UNAVAILABLE)));
    connection.handle_input(START, Input::Answered(Sequence(1), Err(RefusalCode::REJECTED)));
    let mut refused = told(&mut connection);
    refused.sort_by_key(|told| format!("{told:?}"));
    assert_eq!(
        refused,
        [
            RefusalCode::UNAVAILABLE,
            RefusalCode::ALREADY_SUBSCRIBED,
            RefusalCode::REJECTED
        ]
        .map(Told::Refused)
    );
    for text in ["one", "two"] {
        log.append(START, "bob", Payload::Text(text));
    }
    assert_eq!(connection.poll_room(&mut log, 1000).count(), 1);
    assert_eq!(told(&mut connection), [Told::Gap(GapCause::Evicted)]);
    let mut log = Log::new(RoomNumber(1), Epoch(2), retention);
    log.append(START + Duration::from_secs(1), "bob", Payload::Text("another life"));
    let frames = connection.poll_room(&mut log, 1000);
    assert_eq!(frames.oldest(), START + Duration::from_secs(1));
    assert_eq!(told(&mut connection), [Told::Gap(GapCause::LogLost)]);
}

#[test]
fn sessions_are_bounded_and_belong_to_their_member() {
    let [ann, bob] = ["ann", "bob"].map(|name| MemberId::new(name).expect("a name"));
    let mut sessions = Sessions::new(Duration::from_secs(10), 4, 2);
    let new = Asked {
        session: None,
        attempt: 1,
        answered: Sequence(0),
    };
    let id = |number: u8| SessionId([number; 16]);
    assert!(sessions.is_empty());
    assert!(sessions.attach(ConnectionId(1), new, id(1), &ann).is_ok());
    assert!(!sessions.is_empty());
    assert!(sessions.attach(ConnectionId(2), new, id(2), &bob).is_ok());
    let full = sessions.attach(ConnectionId(3), new, id(3), &bob);
    assert_eq!(full, Err(CloseCode::TOO_MANY_SESSIONS));
    assert_eq!(sessions.waiting(), 0);
    sessions.detach(START, id(2), ConnectionId(2));
    assert_eq!((sessions.waiting(), sessions.len()), (1, 2));
    let later = START + Duration::from_secs(10);
    assert_eq!(sessions.next_expiry(), Some(later));
    assert_eq!(sessions.expire(just_before(later)), []);
    assert_eq!(sessions.member(id(2)), Some(&bob));
    assert_eq!(sessions.expire(later), [id(2)]);
    assert_eq!((sessions.member(id(2)), sessions.next_expiry()), (None, None));
    let asked = Asked {
        session: Some(id(1)),
        attempt: 2,
        answered: Sequence(0),
    };
    let stolen = sessions.attach(ConnectionId(4), asked, id(4), &bob);
    assert_eq!(stolen, Err(CloseCode::UNAUTHORIZED));
    assert!(sessions.is_attached(id(1)), "it stays its owner's");
    let earlier = Asked { attempt: 1, ..asked };
    let back = sessions
        .attach(ConnectionId(5), earlier, id(4), &ann)
        .expect("a session");
    assert_eq!(
        (back.outcome, back.session, back.displaced),
        (Outcome::Resumed, id(1), Some(ConnectionId(1)))
    );
}

#[test]
fn a_hello_that_a_later_attempt_has_overtaken_does_not_take_the_session_back() {
    let ann = MemberId::new("ann").expect("a name");
    let mut sessions = Sessions::new(Duration::from_secs(10), 4, 2);
    let asked = |attempt, session| Asked {
        session,
        attempt,
        answered: Sequence(0),
    };
    sessions
        .attach(ConnectionId(1), asked(1, None), SESSION, &ann)
        .expect("a session");
    let third = sessions
        .attach(ConnectionId(3), asked(3, Some(SESSION)), SESSION, &ann)
        .expect("resumed");
    assert_eq!(third.displaced, Some(ConnectionId(1)));
    let second = sessions.attach(ConnectionId(2), asked(2, Some(SESSION)), SESSION, &ann);
    assert_eq!(second, Err(CloseCode::TAKEN_OVER));
    let position = Position {
        epoch: Epoch(1),
        offset: Offset(1),
    };
    sessions
        .admit(SESSION, ConnectionId(3), Sequence(1))
        .expect("it has the session");
    let mut settle = || sessions.settle(SESSION, Term::default(), Sequence(1), Ok(position));
    assert_eq!(settle(), Some(ConnectionId(3)));
    assert_eq!(settle(), None, "it was told already");
}

#[test]
fn a_session_knows_the_last_publish_that_was_taken_answered_or_not() {
    let ann = MemberId::new("ann").expect("a name");
    let mut sessions = Sessions::new(Duration::from_secs(10), 4, 2);
    let asked = |attempt, session| Asked {
        session,
        attempt,
        answered: Sequence(0),
    };
    assert_eq!(sessions.taken(SESSION), Sequence(0), "there is no such session");
    sessions
        .attach(ConnectionId(1), asked(1, None), SESSION, &ann)
        .expect("a session");
    for sequence in 1..=3 {
        sessions.admit(SESSION, ConnectionId(1), Sequence(sequence));
    }
    sessions.settle(SESSION, Term::default(), Sequence(1), Err(RefusalCode::REJECTED));
    assert_eq!(sessions.taken(SESSION), Sequence(3));
    let back = sessions
        .attach(ConnectionId(2), asked(2, Some(SESSION)), SESSION, &ann)
        .expect("resumed");
    assert_eq!((back.settled, back.taken), (Sequence(1), Sequence(3)));
}

#[test]
fn a_session_that_was_taken_up_again_is_not_forgotten_at_the_old_moment() {
    let ann = MemberId::new("ann").expect("a name");
    let mut sessions = Sessions::new(Duration::from_secs(10), 4, 2);
    let asked = |attempt, session| Asked {
        session,
        attempt,
        answered: Sequence(0),
    };
    let attach = |sessions: &mut Sessions, attempt, session| {
        sessions
            .attach(ConnectionId(attempt), asked(attempt, session), SESSION, &ann)
            .expect("a session")
    };
    attach(&mut sessions, 1, None);
    sessions.detach(START, SESSION, ConnectionId(1));
    assert_eq!(attach(&mut sessions, 2, Some(SESSION)).outcome, Outcome::Resumed);
    assert_eq!(sessions.expire(START + Duration::from_secs(3600)), []);
    assert!(!sessions.end(SESSION, ConnectionId(1)), "only who has it ends it");
    assert!(sessions.end(SESSION, ConnectionId(2)));
    assert!(sessions.is_empty());
}

#[test]
fn a_forgotten_session_is_replaced_whether_it_has_a_transport_or_waits() {
    let ann = MemberId::new("ann").expect("a name");
    let mut sessions = Sessions::new(Duration::from_secs(10), 4, 2);
    let asked = |attempt, session| Asked {
        session,
        attempt,
        answered: Sequence(0),
    };
    for waits in [false, true] {
        sessions
            .attach(ConnectionId(1), asked(1, None), SESSION, &ann)
            .expect("a session");
        if waits {
            sessions.detach(START, SESSION, ConnectionId(1));
        }
        sessions.forget(SESSION);
        assert_eq!((sessions.len(), sessions.next_expiry()), (0, None));
        let fresh = SessionId([8; 16]);
        let again = sessions
            .attach(ConnectionId(2), asked(2, Some(SESSION)), fresh, &ann)
            .expect("another session");
        assert_eq!((again.outcome, again.session), (Outcome::Replaced, fresh));
        sessions.forget(fresh);
    }
}

#[test]
fn a_client_that_is_silent_while_its_session_is_looked_for_is_closed_as_silent() {
    let mut connection = Connection::new(START, settings());
    connection.handle_input(START, Input::Received(&encoded(&[hello()])));
    let at = deadline(&mut connection).expect("a deadline");
    assert_eq!(at, START + settings().terms.silence_timeout);
    connection.handle_input(at, Input::Timeout);
    assert_eq!(closed_with(&mut connection), Some(CloseCode::SILENT));
}

#[test]
fn what_is_to_be_done_is_shown_without_tokens_and_payloads() {
    let room = RoomName::new("lobby").expect("a name");
    let payload = OwnedPayload::Text("a payload".into());
    for (action, shown) in [
        (
            Action::Authenticate {
                token: Box::from(&b"a token"[..]),
            },
            "Authenticate(…)".to_owned(),
        ),
        (
            Action::Signal { room, payload },
            format!("Signal {{ room: {:?}, payload: Text(9 bytes) }}", "lobby"),
        ),
    ] {
        assert_eq!(format!("{action:?}"), shown);
    }
}
