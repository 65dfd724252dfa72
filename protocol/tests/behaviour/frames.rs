//! Any frame of either side, for property tests.

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use tidewire_protocol::{
    CloseCode, Epoch, MAX_MEMBER_BYTES, MAX_ROOM_BYTES, Members, Offset, Position, PresenceDigest, Request, RoomNumber,
    Sequence, SessionId,
    frame::{
        ClientFrame, Close, Gap, GapCause, Hello, Message, Nonce, Outcome, Payload, PresenceWanted, Publish,
        RefusalCode, Refused, RefusedWhat, ServerFrame, Start, Subscribe, Subscribed, Terms, Token, Welcome,
    },
};

/// What a frame can be made of. Frames borrow, so they are made of these when they are needed.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    kind: usize,
    choice: usize,
    flag: bool,
    numbers: [u32; 7],
    wide: [u64; 3],
    session: [u8; 16],
    room: String,
    member: String,
    text: String,
    bytes: Vec<u8>,
    members: Vec<String>,
}

/// How many kinds of frames a client has here.
const CLIENT_KINDS: usize = 9;
/// How many kinds of frames a server has here.
const SERVER_KINDS: usize = 16;

/// Parts of every size that the wire tells apart, at the limits of names too.
pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    let shape = (0..CLIENT_KINDS * SERVER_KINDS, 0..9_usize, any::<bool>());
    let numbers = ([(); 7].map(|()| number()), [(); 3].map(|()| wide()), any::<[u8; 16]>());
    let names = (
        name(MAX_ROOM_BYTES),
        name(MAX_MEMBER_BYTES),
        vec(name(MAX_MEMBER_BYTES), 0..5),
    );
    let contents = (vec(any::<char>(), 0..60), vec(any::<u8>(), 0..300));
    (shape, numbers, names, contents).prop_map(|(shape, numbers, names, contents)| Parts {
        kind: shape.0,
        choice: shape.1,
        flag: shape.2,
        numbers: numbers.0,
        wide: numbers.1,
        session: numbers.2,
        room: names.0,
        member: names.1,
        text: contents.0.into_iter().collect(),
        bytes: contents.1,
        members: names.2,
    })
}

/// Numbers of every length that a varint has.
fn wide() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn number() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..32_u32).prop_map(|(number, shift)| number >> shift)
}

/// Names of any length, the longest among them.
fn name(max_bytes: usize) -> impl Strategy<Value = String> {
    let letter = any::<char>().prop_filter("a control character", |letter| !letter.is_control());
    prop_oneof![
        8 => vec(letter, 1..=max_bytes / 4).prop_map(String::from_iter),
        1 => Just("n".repeat(max_bytes)),
    ]
}

impl Parts {
    /// A client's frame.
    pub(crate) fn client(&self) -> ClientFrame<'_> {
        let [one, two, ..] = self.numbers;
        match self.kind % CLIENT_KINDS {
            0 => ClientFrame::Hello(Hello {
                version: one,
                attempt: self.wide[1],
                session: self.flag.then_some(SessionId(self.session)),
                answered: Sequence(self.wide[0]),
                token: Token(&self.bytes),
            }),
            1 => ClientFrame::Authenticate {
                token: Token(&self.bytes),
            },
            2 => ClientFrame::Subscribe(Subscribe {
                request: Request(one),
                start: [Start::Now, Start::Last(two), Start::After(self.position())][self.choice % 3],
                presence: [
                    PresenceWanted::Nothing,
                    PresenceWanted::List,
                    PresenceWanted::Changes(PresenceDigest(self.wide[0])),
                ][self.choice / 3 % 3],
                room: &self.room,
            }),
            3 => ClientFrame::Unsubscribe { request: Request(one) },
            4 => ClientFrame::Publish(Publish {
                sequence: Sequence(self.wide[0]),
                room: &self.room,
                payload: self.payload(),
            }),
            5 => ClientFrame::Signal {
                room: &self.room,
                payload: self.payload(),
            },
            6 => ClientFrame::Ping(Nonce(one)),
            7 => ClientFrame::Pong(Nonce(one)),
            _ => ClientFrame::Close(self.close()),
        }
    }

    /// A server's frame. `buffer` is where its members are written.
    pub(crate) fn server<'a>(&'a self, buffer: &'a mut Vec<u8>) -> ServerFrame<'a> {
        let [one, two, ..] = self.numbers;
        let room = RoomNumber(two);
        let request = Request(one);
        let sequence = Sequence(self.wide[0]);
        let member = self.member.as_str();
        let members = self.members.iter().map(String::as_str);
        match self.kind % SERVER_KINDS {
            0 => ServerFrame::Welcome(self.welcome()),
            1 => ServerFrame::Authenticated {
                expires_in: millis(one),
            },
            2 => ServerFrame::Subscribed(Subscribed {
                request,
                room,
                position: self.position(),
            }),
            3 => ServerFrame::Unsubscribed { request },
            4 => ServerFrame::Message(Message {
                room,
                offset: Offset(self.wide[0]),
                sender: self.sender(),
                payload: self.payload(),
            }),
            5 => ServerFrame::Gap(Gap {
                room,
                cause: [GapCause::Evicted, GapCause::LogLost][self.choice % 2],
                from: Offset(self.wide[0]),
                resume: self.position(),
            }),
            6 => ServerFrame::Published {
                sequence,
                position: self.position(),
            },
            7 => ServerFrame::Refused(Refused {
                what: [RefusedWhat::Publish(sequence), RefusedWhat::Subscription(request)][self.choice % 2],
                code: RefusalCode(two as u16),
            }),
            8 => ServerFrame::Signal {
                room,
                sender: self.sender(),
                payload: self.payload(),
            },
            9 => ServerFrame::Joined { room, member },
            10 => ServerFrame::Left { room, member },
            11 => ServerFrame::Present {
                room,
                more: self.flag,
                members: Members::write(members, buffer),
            },
            12 => ServerFrame::GoAway {
                min: millis(one),
                max: millis(two),
            },
            13 => ServerFrame::Ping(Nonce(one)),
            14 => ServerFrame::Pong(Nonce(one)),
            _ => ServerFrame::Close(self.close()),
        }
    }

    fn welcome(&self) -> Welcome<'_> {
        let [a, b, c, d, max_payload_bytes, max_subscriptions, max_unanswered] = self.numbers;
        Welcome {
            outcome: [Outcome::New, Outcome::Resumed, Outcome::Replaced][self.choice % 3],
            session: SessionId(self.session),
            member: &self.member,
            settled: Sequence(self.wide[0]),
            terms: Terms {
                ping_interval: millis(a),
                silence_timeout: millis(b),
                session_ttl: millis(c),
                token_expires_in: millis(d),
                max_payload_bytes,
                max_subscriptions,
                max_unanswered,
            },
        }
    }

    fn close(&self) -> Close<'_> {
        Close {
            code: CloseCode(self.numbers[0] as u16),
            reason: &self.text,
        }
    }

    fn payload(&self) -> Payload<'_> {
        if self.flag {
            Payload::Text(&self.text)
        } else {
            Payload::Binary(&self.bytes)
        }
    }

    /// A member, or the server itself.
    fn sender(&self) -> &str {
        if self.choice == 0 { "" } else { &self.member }
    }

    fn position(&self) -> Position {
        Position {
            epoch: Epoch(self.wide[1]),
            offset: Offset(self.wide[2]),
        }
    }
}

fn millis(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
