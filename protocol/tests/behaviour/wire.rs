//! The wire, frozen: each example of `docs/PROTOCOL.md` is decoded to the frame it shows, and written again.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    CloseCode, DecodeError, Epoch, Frame, Members, Offset, Position, PresenceDigest, Request, RoomNumber, Rule,
    Sequence, SessionId, decode,
    frame::{
        ClientFrame, Close, Gap, GapCause, Hello, Message, Nonce, Outcome, Payload, PresenceWanted, Publish,
        RefusalCode, Refused, RefusedWhat, ServerFrame, Start, Subscribe, Subscribed, Terms, Token, VERSION, Welcome,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SESSION: SessionId = SessionId(*b"sixteen bytes ok");
const POSITION: Position = Position {
    epoch: Epoch(0x0102_0304_0506_0708),
    offset: Offset(300),
};
const ROOM: RoomNumber = RoomNumber(5);

fn client_examples() -> Vec<(&'static str, ClientFrame<'static>)> {
    let hello = Hello {
        version: VERSION,
        attempt: 3,
        session: Some(SESSION),
        answered: Sequence(7),
        token: Token(b"secret"),
    };
    let subscribe = Subscribe {
        request: Request(1),
        start: Start::After(POSITION),
        presence: PresenceWanted::List,
        room: "lobby",
    };
    let subscribe_again = Subscribe {
        presence: PresenceWanted::Changes(PresenceDigest(0x1122_3344_5566_7788)),
        ..subscribe
    };
    vec![
        ("hello", ClientFrame::Hello(hello)),
        ("authenticate", ClientFrame::Authenticate { token: Token(b"newer") }),
        ("subscribe", ClientFrame::Subscribe(subscribe)),
        ("subscribe with a digest", ClientFrame::Subscribe(subscribe_again)),
        ("unsubscribe", ClientFrame::Unsubscribe { request: Request(1) }),
        ("publish text", publish(Payload::Text("hi"))),
        ("publish binary", publish(Payload::Binary(&[0, 255]))),
        (
            "signal text",
            ClientFrame::Signal {
                room: "lobby",
                payload: Payload::Text("typing"),
            },
        ),
        (
            "signal binary",
            ClientFrame::Signal {
                room: "lobby",
                payload: Payload::Binary(&[1]),
            },
        ),
    ]
}

fn publish(payload: Payload<'static>) -> ClientFrame<'static> {
    ClientFrame::Publish(Publish {
        sequence: Sequence(8),
        room: "lobby",
        payload,
    })
}

fn server_examples(members: Members<'_>) -> Vec<(&'static str, ServerFrame<'_>)> {
    let terms = Terms {
        ping_interval: Duration::from_secs(25),
        silence_timeout: Duration::from_secs(60),
        session_ttl: Duration::from_secs(120),
        token_expires_in: Duration::ZERO,
        max_payload_bytes: 65_536,
        max_subscriptions: 128,
        max_unanswered: 1024,
    };
    let welcome = Welcome {
        outcome: Outcome::Resumed,
        session: SESSION,
        member: "ann",
        settled: Sequence(8),
        terms,
    };
    let subscribed = Subscribed {
        request: Request(1),
        room: ROOM,
        position: POSITION,
    };
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(301),
        resume: Position {
            offset: Offset(400),
            ..POSITION
        },
    };
    let refused = Refused {
        what: RefusedWhat::Publish(Sequence(8)),
        code: RefusalCode::FORBIDDEN,
    };
    vec![
        ("welcome", ServerFrame::Welcome(welcome)),
        (
            "authenticated",
            ServerFrame::Authenticated {
                expires_in: Duration::from_secs(3600),
            },
        ),
        ("subscribed", ServerFrame::Subscribed(subscribed)),
        ("unsubscribed", ServerFrame::Unsubscribed { request: Request(1) }),
        ("message text", message("ann", Payload::Text("hi"))),
        ("message binary", message("", Payload::Binary(&[0, 255]))),
        ("gap", ServerFrame::Gap(gap)),
        (
            "published",
            ServerFrame::Published {
                sequence: Sequence(8),
                position: POSITION,
            },
        ),
        ("refused", ServerFrame::Refused(refused)),
        ("signalled text", signal(Payload::Text("typing"))),
        ("signalled binary", signal(Payload::Binary(&[1]))),
        (
            "joined",
            ServerFrame::Joined {
                room: ROOM,
                member: "bob",
            },
        ),
        (
            "left",
            ServerFrame::Left {
                room: ROOM,
                member: "bob",
            },
        ),
        (
            "present",
            ServerFrame::Present {
                room: ROOM,
                more: false,
                members,
            },
        ),
        (
            "go away",
            ServerFrame::GoAway {
                min: Duration::from_secs(1),
                max: Duration::from_secs(20),
            },
        ),
        ("ping", ServerFrame::Ping(Nonce(9))),
        ("pong", ServerFrame::Pong(Nonce(9))),
        (
            "close",
            ServerFrame::Close(Close {
                code: CloseCode::GOING_AWAY,
                reason: "restart",
            }),
        ),
    ]
}

fn message(sender: &'static str, payload: Payload<'static>) -> ServerFrame<'static> {
    ServerFrame::Message(Message {
        room: ROOM,
        offset: Offset(301),
        sender,
        payload,
    })
}

fn signal(payload: Payload<'static>) -> ServerFrame<'static> {
    ServerFrame::Signal {
        room: ROOM,
        sender: "ann",
        payload,
    }
}

fn encoded<'a>(frame: &impl Frame<'a>) -> Vec<u8> {
    let mut batch = Vec::new();
    frame.encode(&mut batch);
    batch
}

fn shown(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_example_of_the_document_is_what_this_crate_reads_and_writes() {
    let mut documented: BTreeMap<_, _> = crate::documented::examples()
        .into_iter()
        .map(|it| (it.name, it.bytes))
        .collect();
    let mut wrong = Vec::new();
    let mut buffer = Vec::new();
    let members = Members::write(["ann", "bob"], &mut buffer);
    let mut check = |name: &str, bytes: Vec<u8>| {
        if documented.remove(name).as_ref() != Some(&bytes) {
            wrong.push(format!("{name}: {}", shown(&bytes)));
        }
    };
    for (name, frame) in client_examples() {
        let bytes = encoded(&frame);
        assert_eq!(decode(&bytes).collect::<Vec<_>>(), [Ok(frame)], "{name}");
        check(name, bytes);
    }
    for (name, frame) in server_examples(members) {
        let bytes = encoded(&frame);
        assert_eq!(decode(&bytes).collect::<Vec<_>>(), [Ok(frame)], "{name}");
        check(name, bytes);
    }
    assert!(wrong.is_empty(), "not as documented:\n{}", wrong.join("\n"));
    assert!(
        documented.is_empty(),
        "documented, but not tested: {:?}",
        documented.keys()
    );
}

#[test]
fn each_start_of_a_subscription_survives_the_wire() {
    for start in [
        Start::Now,
        Start::Last(0),
        Start::Last(u32::MAX),
        Start::After(POSITION),
    ] {
        for presence in [
            PresenceWanted::Nothing,
            PresenceWanted::List,
            PresenceWanted::Changes(PresenceDigest(u64::MAX)),
        ] {
            let frame = ClientFrame::Subscribe(Subscribe {
                request: Request(u32::MAX),
                start,
                presence,
                room: "r",
            });
            assert_eq!(decode(&encoded(&frame)).collect::<Vec<_>>(), [Ok(frame)]);
        }
    }
}

#[test]
fn a_batch_is_its_frames_one_after_another_and_unknown_kinds_are_skipped() {
    let mut batch = Vec::new();
    ServerFrame::Ping(Nonce(1)).encode(&mut batch);
    batch.extend([0x7f, 3, 1, 2, 3, 0xff, 0]);
    ServerFrame::Ping(Nonce(2)).encode(&mut batch);
    let frames: Result<Vec<ServerFrame<'_>>, _> = decode(&batch).collect();
    assert_eq!(
        frames,
        Ok(vec![ServerFrame::Ping(Nonce(1)), ServerFrame::Ping(Nonce(2))])
    );
}

#[test]
fn what_a_later_version_appends_to_a_frame_is_skipped() {
    // An unsubscribed frame with two bytes more than this version knows.
    let frames: Vec<Result<ServerFrame<'_>, _>> = decode(&[0x43, 3, 1, 9, 9]).collect();
    assert_eq!(frames, [Ok(ServerFrame::Unsubscribed { request: Request(1) })]);
}

#[test]
fn the_members_of_a_room_are_read_as_they_were_written_without_bad_names() {
    let long = "m".repeat(65);
    let mut buffer = vec![9];
    let written = Members::write(["ann", "", "bob", &long, "two\nlines", "☃"], &mut buffer);
    let bytes = encoded(&ServerFrame::Present {
        room: ROOM,
        more: true,
        members: written,
    });
    let frames: Vec<_> = decode(&bytes).collect();
    let [Ok(ServerFrame::Present { members, .. })] = frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!(members.into_iter().collect::<Vec<_>>(), ["ann", "bob", "☃"]);
    assert_eq!(Members::default().into_iter().next(), None);
}

#[test]
fn a_message_costs_at_most_twelve_bytes_beside_its_payload_and_its_sender() {
    for (payload, room, offset, cost) in [(128, 1, 1, 6), (16_384, 127, 127, 7), (16_384, 16_383, 268_435_455, 11)] {
        let bytes = vec![0; payload];
        let sender = "member";
        let frame = ServerFrame::Message(Message {
            room: RoomNumber(room),
            offset: Offset(offset),
            sender,
            payload: Payload::Binary(&bytes),
        });
        assert_eq!(encoded(&frame).len() - payload - sender.len(), cost);
        assert!(cost <= 12);
    }
}

#[test]
fn a_bad_frame_is_told_by_its_kind_and_rule_and_ends_the_batch() {
    let refused = |kind, rule| vec![Err(DecodeError { kind, rule })];
    let cases: &[(&[u8], Option<u8>, Rule)] = &[
        (&[0x43], Some(0x43), Rule::Truncated),
        (&[0x43, 2, 1], Some(0x43), Rule::Truncated),
        (&[0x43, 0], Some(0x43), Rule::Truncated),
        (&[0x43, 0x81, 0x00, 1], Some(0x43), Rule::Varint),
        (&[0x43, 5, 0xff, 0xff, 0xff, 0xff, 0x10], Some(0x43), Rule::OutOfRange),
        (&[0x44, 4, 5, 1, 0, 0xff], Some(0x44), Rule::NotUtf8),
        (&[0x44, 4, 5, 1, 1, 0x0a], Some(0x44), Rule::NameControlCharacter),
        (&[0x4b, 2, 5, 0], Some(0x4b), Rule::EmptyName),
        (&[0x4d, 3, 5, 2, 0], Some(0x4d), Rule::UnknownChoice),
        (&[0x48, 3, 2, 1, 1], Some(0x48), Rule::UnknownChoice),
        (&[0x4d, 5, 5, 0, 2, 1, 0x0a], Some(0x4d), Rule::NameControlCharacter),
        (&[0x4d, 6, 5, 0, 3, 1, 0x61, 0], Some(0x4d), Rule::EmptyName),
    ];
    for &(bytes, kind, rule) in cases {
        // A good frame behind it is not reached.
        let batch = [bytes, &[0x01, 1, 9]].concat();
        let cut = if rule == Rule::Truncated { bytes } else { &batch };
        assert_eq!(
            decode::<ServerFrame<'_>>(cut).collect::<Vec<_>>(),
            refused(kind, rule),
            "{bytes:?}"
        );
    }
}

#[test]
fn every_prefix_of_every_example_is_cut_and_never_a_different_frame() {
    let mut buffer = Vec::new();
    for (name, frame) in server_examples(Members::write(["ann"], &mut buffer)) {
        let bytes = encoded(&frame);
        for end in 1..bytes.len() {
            let frames: Vec<Result<ServerFrame<'_>, _>> = decode(&bytes[..end]).collect();
            assert!(
                matches!(
                    frames[..],
                    [Err(DecodeError {
                        rule: Rule::Truncated,
                        ..
                    })]
                ),
                "{name} {end}"
            );
        }
    }
}
