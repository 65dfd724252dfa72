//! Well-formed frames that nobody who keeps the protocol would send now.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Epoch, Frame, Offset, Position, PresenceDigest, Request, RoomNumber, Sequence, SessionId,
    frame::{
        ClientFrame, Close, Gap, GapCause, Hello, Message, Nonce, Outcome, Payload, PresenceWanted, Publish,
        RefusalCode, Refused, RefusedWhat, ServerFrame, Start, Subscribe, Subscribed, Terms, Token, VERSION, Welcome,
    },
};

use super::{Bytes, world::ROOMS};

/// A batch of one such frame of the server.
pub(super) fn of_the_server(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (kind, number, other) = (bytes.next(), bytes.next(), bytes.next());
    let room = RoomNumber((number % 3).into());
    let millis = Duration::from_millis(u64::from(number) * u64::from(other));
    let payload = Payload::Text("1");
    let frame = match kind % 14 {
        0 => ServerFrame::Welcome(Welcome {
            outcome: [Outcome::New, Outcome::Resumed, Outcome::Replaced][usize::from(number % 3)],
            session: session(other),
            member: "me",
            settled: Sequence(other.into()),
            terms: Terms {
                ping_interval: millis,
                token_expires_in: millis / 2,
                max_unanswered: other.into(),
                ..Terms::default()
            },
        }),
        1 => ServerFrame::Authenticated { expires_in: millis },
        2 => ServerFrame::Subscribed(Subscribed {
            request: Request((other % 8).into()),
            room,
            position: position(number, other),
        }),
        3 => ServerFrame::Unsubscribed {
            request: Request(number.into()),
        },
        4 | 5 => ServerFrame::Message(Message {
            room,
            offset: offset(other),
            sender: "other",
            payload,
        }),
        6 => ServerFrame::Gap(Gap {
            room,
            cause: [GapCause::Evicted, GapCause::LogLost][usize::from(kind / 16 % 2)],
            from: offset(other),
            resume: position(number, other.wrapping_add(number)),
        }),
        7 => ServerFrame::Published {
            sequence: Sequence(number.into()),
            position: position(number, other),
        },
        8 => ServerFrame::Refused(Refused {
            what: match other % 2 {
                0 => RefusedWhat::Publish(Sequence(number.into())),
                _ => RefusedWhat::Subscription(Request(number.into())),
            },
            code: RefusalCode(other.into()),
        }),
        9 => ServerFrame::Signal {
            room,
            sender: "",
            payload,
        },
        10 => ServerFrame::Joined { room, member: "other" },
        11 => ServerFrame::GoAway {
            min: millis,
            max: Duration::from_millis(other.into()),
        },
        12 => ServerFrame::Pong(Nonce(number.into())),
        _ => ServerFrame::Close(close(number, other)),
    };
    encoded(&frame)
}

/// A batch of one such frame of a client.
pub(super) fn of_the_client(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (kind, number, other) = (bytes.next(), bytes.next(), bytes.next());
    let room = ROOMS.get(usize::from(number % 3)).copied().unwrap_or("elsewhere");
    let frame = match kind % 8 {
        0 => ClientFrame::Hello(Hello {
            version: VERSION + u32::from(other == 0),
            attempt: number.into(),
            session: (kind / 8 % 4 != 0).then(|| session(other)),
            answered: Sequence(other.into()),
            token: Token(b"another"),
        }),
        1 => ClientFrame::Authenticate { token: Token(b"") },
        2 => ClientFrame::Subscribe(Subscribe {
            request: Request(other.into()),
            start: match kind / 8 % 4 {
                0 => Start::Last(u32::MAX),
                _ => Start::After(position(number, other)),
            },
            presence: PresenceWanted::Changes(PresenceDigest(other.into())),
            room,
        }),
        3 => ClientFrame::Unsubscribe {
            request: Request(other.into()),
        },
        4 => ClientFrame::Publish(Publish {
            sequence: Sequence(other.into()),
            room,
            payload: Payload::Binary(b"lie"),
        }),
        5 => ClientFrame::Signal {
            room,
            payload: Payload::Binary(&[0; 300]),
        },
        6 => ClientFrame::Pong(Nonce(number.into())),
        _ => ClientFrame::Close(close(number, other)),
    };
    encoded(&frame)
}

fn encoded<'a>(frame: &impl Frame<'a>) -> Vec<u8> {
    let mut batch = Vec::new();
    frame.encode(&mut batch);
    batch
}

/// One that may well be the client's: they are counted.
fn session(number: u8) -> SessionId {
    SessionId(u128::from(number % 8).to_be_bytes())
}

fn position(epoch: u8, number: u8) -> Position {
    Position {
        epoch: Epoch((epoch % 8).into()),
        offset: offset(number),
    }
}

/// One near the beginning, or at the end of all numbers.
fn offset(number: u8) -> Offset {
    Offset(match number {
        200.. => u64::MAX - u64::from(u8::MAX - number),
        _ => (number % 16).into(),
    })
}

fn close(number: u8, other: u8) -> Close<'static> {
    let hundreds = [10, 40, 41, 42][usize::from(number % 4)];
    Close {
        code: CloseCode(hundreds * 100 + u16::from(other % 16)),
        reason: "because",
    }
}
