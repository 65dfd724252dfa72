//! Bytes to frames and back. `docs/PROTOCOL.md` defines each field; its examples are the tests of this file.

use crate::{
    error::{DecodeError, Rule},
    frame::{
        ClientFrame, Close, Gap, GapCause, Hello, Message, Nonce, Outcome, Payload, Publish, RefusalCode, Refused,
        RefusedWhat, ServerFrame, Start, Subscribe, Subscribed, Terms, Token, Welcome,
    },
    ids::{Offset, Request, RoomNumber, Sequence},
    wire::{Members, Put, Reader, put_frame, utf8},
};

mod kind {
    pub(super) const PING: u8 = 0x01;
    pub(super) const PONG: u8 = 0x02;
    pub(super) const CLOSE: u8 = 0x03;

    pub(super) const HELLO: u8 = 0x10;
    pub(super) const AUTHENTICATE: u8 = 0x11;
    pub(super) const SUBSCRIBE: u8 = 0x12;
    pub(super) const UNSUBSCRIBE: u8 = 0x13;
    pub(super) const PUBLISH_TEXT: u8 = 0x14;
    pub(super) const PUBLISH_BINARY: u8 = 0x15;
    pub(super) const SIGNAL_TEXT: u8 = 0x16;
    pub(super) const SIGNAL_BINARY: u8 = 0x17;

    pub(super) const WELCOME: u8 = 0x40;
    pub(super) const AUTHENTICATED: u8 = 0x41;
    pub(super) const SUBSCRIBED: u8 = 0x42;
    pub(super) const UNSUBSCRIBED: u8 = 0x43;
    pub(super) const MESSAGE_TEXT: u8 = 0x44;
    pub(super) const MESSAGE_BINARY: u8 = 0x45;
    pub(super) const GAP: u8 = 0x46;
    pub(super) const PUBLISHED: u8 = 0x47;
    pub(super) const REFUSED: u8 = 0x48;
    pub(super) const SIGNALLED_TEXT: u8 = 0x49;
    pub(super) const SIGNALLED_BINARY: u8 = 0x4a;
    pub(super) const JOINED: u8 = 0x4b;
    pub(super) const LEFT: u8 = 0x4c;
    pub(super) const PRESENT: u8 = 0x4d;
    pub(super) const GO_AWAY: u8 = 0x4e;
}

/// A frame of one of the two sides.
pub trait Frame<'a>: Sized {
    /// Appends it to a batch.
    fn encode(&self, batch: &mut Vec<u8>);

    /// Decodes a body; `None` for a kind that this side does not have.
    #[doc(hidden)]
    fn decode_body(kind: u8, body: Body<'a>) -> Result<Option<Self>, Rule>;
}

/// The body of a frame that is being decoded.
#[doc(hidden)]
#[derive(Debug)]
pub struct Body<'a>(Reader<'a>);

/// Decodes the frames of a batch one after another, skipping those of a kind that it does not know.
///
/// Nothing is allocated: what is long in a frame is borrowed. After an error there are no more.
pub fn decode<'a, F: Frame<'a>>(batch: &'a [u8]) -> impl Iterator<Item = Result<F, DecodeError>> {
    let mut reader = Reader::new(batch);
    core::iter::from_fn(move || {
        while !reader.is_empty() {
            match next(&mut reader) {
                Ok(None) => {}
                Ok(Some(frame)) => return Some(Ok(frame)),
                Err(error) => {
                    reader = Reader::new(&[]);
                    return Some(Err(error));
                }
            }
        }
        None
    })
}

fn next<'a, F: Frame<'a>>(reader: &mut Reader<'a>) -> Result<Option<F>, DecodeError> {
    let kind = reader.byte().map_err(|rule| DecodeError { kind: None, rule })?;
    let frame = reader
        .bytes()
        .and_then(|body| F::decode_body(kind, Body(Reader::new(body))));
    frame.map_err(|rule| DecodeError { kind: Some(kind), rule })
}

impl<'a> Frame<'a> for ClientFrame<'a> {
    fn encode(&self, batch: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => put_frame(batch, kind::HELLO, &[], |out| {
                out.put_varint(hello.version.into());
                out.put_varint(hello.attempt);
                out.put_bytes(hello.session.as_ref().map_or(&[], |session| &session.0));
                out.put_varint(hello.answered.0);
                out.put_bytes(hello.token.0);
            }),
            Self::Authenticate { token } => put_frame(batch, kind::AUTHENTICATE, &[], |out| out.put_bytes(token.0)),
            Self::Subscribe(subscribe) => put_frame(batch, kind::SUBSCRIBE, &[], |out| put_subscribe(out, subscribe)),
            Self::Unsubscribe { request } => put_number(batch, kind::UNSUBSCRIBE, request.0),
            Self::Publish(Publish {
                sequence,
                room,
                payload,
            }) => {
                let kind = either(payload, kind::PUBLISH_TEXT, kind::PUBLISH_BINARY);
                put_frame(batch, kind, payload.as_bytes(), |out| {
                    out.put_varint(sequence.0);
                    out.put_bytes(room.as_bytes());
                });
            }
            Self::Signal { room, payload } => {
                let kind = either(payload, kind::SIGNAL_TEXT, kind::SIGNAL_BINARY);
                put_frame(batch, kind, payload.as_bytes(), |out| out.put_bytes(room.as_bytes()));
            }
            Self::Ping(nonce) => put_number(batch, kind::PING, nonce.0),
            Self::Pong(nonce) => put_number(batch, kind::PONG, nonce.0),
            Self::Close(close) => put_close(batch, close),
        }
    }

    fn decode_body(kind: u8, Body(mut body): Body<'a>) -> Result<Option<Self>, Rule> {
        let body = &mut body;
        Ok(Some(match kind {
            kind::HELLO => Self::Hello(read_hello(body)?),
            kind::AUTHENTICATE => Self::Authenticate {
                token: Token(body.bytes()?),
            },
            kind::SUBSCRIBE => Self::Subscribe(read_subscribe(body)?),
            kind::UNSUBSCRIBE => Self::Unsubscribe {
                request: Request(body.u32()?),
            },
            kind::PUBLISH_TEXT | kind::PUBLISH_BINARY => Self::Publish(Publish {
                sequence: Sequence(body.varint()?),
                room: body.room()?,
                payload: read_payload(body, kind == kind::PUBLISH_TEXT)?,
            }),
            kind::SIGNAL_TEXT | kind::SIGNAL_BINARY => Self::Signal {
                room: body.room()?,
                payload: read_payload(body, kind == kind::SIGNAL_TEXT)?,
            },
            kind::PING => Self::Ping(Nonce(body.u32()?)),
            kind::PONG => Self::Pong(Nonce(body.u32()?)),
            kind::CLOSE => Self::Close(Close {
                code: body.code()?,
                reason: body.text()?,
            }),
            _ => return Ok(None),
        }))
    }
}

impl<'a> Frame<'a> for ServerFrame<'a> {
    fn encode(&self, batch: &mut Vec<u8>) {
        match self {
            Self::Welcome(welcome) => put_frame(batch, kind::WELCOME, &[], |out| put_welcome(out, welcome)),
            Self::Authenticated { expires_in } => {
                put_frame(batch, kind::AUTHENTICATED, &[], |out| out.put_millis(*expires_in));
            }
            Self::Subscribed(subscribed) => put_frame(batch, kind::SUBSCRIBED, &[], |out| {
                out.put_varint(subscribed.request.0.into());
                out.put_varint(subscribed.room.0.into());
                out.put_position(subscribed.position);
            }),
            Self::Unsubscribed { request } => put_number(batch, kind::UNSUBSCRIBED, request.0),
            Self::Message(Message {
                room,
                offset,
                sender,
                payload,
            }) => {
                let kind = either(payload, kind::MESSAGE_TEXT, kind::MESSAGE_BINARY);
                put_frame(batch, kind, payload.as_bytes(), |out| {
                    out.put_varint(room.0.into());
                    out.put_varint(offset.0);
                    out.put_bytes(sender.as_bytes());
                });
            }
            Self::Gap(gap) => put_frame(batch, kind::GAP, &[], |out| {
                out.put_varint(gap.room.0.into());
                out.push(gap.cause as u8);
                out.put_varint(gap.from.0);
                out.put_position(gap.resume);
            }),
            Self::Published { sequence, position } => put_frame(batch, kind::PUBLISHED, &[], |out| {
                out.put_varint(sequence.0);
                out.put_position(*position);
            }),
            Self::Refused(refused) => put_frame(batch, kind::REFUSED, &[], |out| {
                let (what, number) = match refused.what {
                    RefusedWhat::Publish(sequence) => (0, sequence.0),
                    RefusedWhat::Subscription(request) => (1, request.0.into()),
                };
                out.push(what);
                out.put_varint(number);
                out.put_varint(refused.code.0.into());
            }),
            Self::Signal { room, sender, payload } => {
                let kind = either(payload, kind::SIGNALLED_TEXT, kind::SIGNALLED_BINARY);
                put_frame(batch, kind, payload.as_bytes(), |out| {
                    out.put_varint(room.0.into());
                    out.put_bytes(sender.as_bytes());
                });
            }
            Self::Joined { room, member } => put_member(batch, kind::JOINED, *room, member),
            Self::Left { room, member } => put_member(batch, kind::LEFT, *room, member),
            Self::Present { room, more, members } => put_frame(batch, kind::PRESENT, members.encoded(), |out| {
                out.put_varint(room.0.into());
                out.push((*more).into());
                out.put_varint(members.encoded().len() as u64);
            }),
            Self::GoAway { min, max } => put_frame(batch, kind::GO_AWAY, &[], |out| {
                out.put_millis(*min);
                out.put_millis(*max);
            }),
            Self::Ping(nonce) => put_number(batch, kind::PING, nonce.0),
            Self::Pong(nonce) => put_number(batch, kind::PONG, nonce.0),
            Self::Close(close) => put_close(batch, close),
        }
    }

    #[inline]
    fn decode_body(kind: u8, Body(mut body): Body<'a>) -> Result<Option<Self>, Rule> {
        let body = &mut body;
        Ok(Some(match kind {
            kind::MESSAGE_TEXT | kind::MESSAGE_BINARY => Self::Message(Message {
                room: read_room(body)?,
                offset: Offset(body.varint()?),
                sender: body.sender()?,
                payload: read_payload(body, kind == kind::MESSAGE_TEXT)?,
            }),
            kind::WELCOME => Self::Welcome(read_welcome(body)?),
            kind::AUTHENTICATED => Self::Authenticated {
                expires_in: body.millis()?,
            },
            kind::SUBSCRIBED => Self::Subscribed(Subscribed {
                request: Request(body.u32()?),
                room: read_room(body)?,
                position: body.position()?,
            }),
            kind::UNSUBSCRIBED => Self::Unsubscribed {
                request: Request(body.u32()?),
            },
            kind::GAP => Self::Gap(read_gap(body)?),
            kind::PUBLISHED => Self::Published {
                sequence: Sequence(body.varint()?),
                position: body.position()?,
            },
            kind::REFUSED => Self::Refused(read_refused(body)?),
            kind::SIGNALLED_TEXT | kind::SIGNALLED_BINARY => Self::Signal {
                room: read_room(body)?,
                sender: body.sender()?,
                payload: read_payload(body, kind == kind::SIGNALLED_TEXT)?,
            },
            kind::JOINED => Self::Joined {
                room: read_room(body)?,
                member: body.member()?,
            },
            kind::LEFT => Self::Left {
                room: read_room(body)?,
                member: body.member()?,
            },
            kind::PRESENT => Self::Present {
                room: read_room(body)?,
                more: read_bool(body)?,
                members: Members::read(body)?,
            },
            kind::GO_AWAY => Self::GoAway {
                min: body.millis()?,
                max: body.millis()?,
            },
            kind::PING => Self::Ping(Nonce(body.u32()?)),
            kind::PONG => Self::Pong(Nonce(body.u32()?)),
            kind::CLOSE => Self::Close(Close {
                code: body.code()?,
                reason: body.text()?,
            }),
            _ => return Ok(None),
        }))
    }
}

fn either(payload: &Payload<'_>, text: u8, binary: u8) -> u8 {
    match payload {
        Payload::Text(_) => text,
        Payload::Binary(_) => binary,
    }
}

fn put_number(batch: &mut Vec<u8>, kind: u8, number: u32) {
    put_frame(batch, kind, &[], |out| out.put_varint(number.into()));
}

fn put_member(batch: &mut Vec<u8>, kind: u8, room: RoomNumber, member: &str) {
    put_frame(batch, kind, &[], |out| {
        out.put_varint(room.0.into());
        out.put_bytes(member.as_bytes());
    });
}

fn put_close(batch: &mut Vec<u8>, close: &Close<'_>) {
    put_frame(batch, kind::CLOSE, &[], |out| {
        out.put_varint(close.code.0.into());
        out.put_bytes(close.reason.as_bytes());
    });
}

/// How a subscription begins, in the low bits of its options.
const START: u8 = 0b011;
const START_NOW: u8 = 0;
const START_LAST: u8 = 1;
const START_AFTER: u8 = 2;
/// Whether it asks for presence.
const PRESENCE: u8 = 0b100;

fn put_subscribe(out: &mut Vec<u8>, subscribe: &Subscribe<'_>) {
    let start = match subscribe.start {
        Start::Now => START_NOW,
        Start::Last(_) => START_LAST,
        Start::After(_) => START_AFTER,
    };
    out.put_varint(subscribe.request.0.into());
    out.push(if subscribe.presence { start | PRESENCE } else { start });
    match subscribe.start {
        Start::Now => {}
        Start::Last(count) => out.put_varint(count.into()),
        Start::After(position) => out.put_position(position),
    }
    out.put_bytes(subscribe.room.as_bytes());
}

fn read_subscribe<'a>(body: &mut Reader<'a>) -> Result<Subscribe<'a>, Rule> {
    let request = Request(body.u32()?);
    let options = body.byte()?;
    let start = match options & START {
        START_NOW => Start::Now,
        START_LAST => Start::Last(body.u32()?),
        START_AFTER => Start::After(body.position()?),
        _ => return Err(Rule::UnknownChoice),
    };
    Ok(Subscribe {
        request,
        start,
        presence: options & PRESENCE != 0,
        room: body.room()?,
    })
}

fn read_hello<'a>(body: &mut Reader<'a>) -> Result<Hello<'a>, Rule> {
    let version = body.u32()?;
    let attempt = body.varint()?;
    let session = match body.byte()? {
        0 => None,
        16 => Some(body.session()?),
        _ => return Err(Rule::UnknownChoice),
    };
    Ok(Hello {
        version,
        attempt,
        session,
        answered: Sequence(body.varint()?),
        token: Token(body.bytes()?),
    })
}

fn put_welcome(out: &mut Vec<u8>, welcome: &Welcome<'_>) {
    let terms = &welcome.terms;
    out.push(welcome.outcome as u8);
    out.extend_from_slice(&welcome.session.0);
    out.put_bytes(welcome.member.as_bytes());
    out.put_varint(welcome.settled.0);
    for duration in [
        terms.ping_interval,
        terms.silence_timeout,
        terms.session_ttl,
        terms.token_expires_in,
    ] {
        out.put_millis(duration);
    }
    for number in [terms.max_payload_bytes, terms.max_subscriptions, terms.max_unanswered] {
        out.put_varint(number.into());
    }
}

fn read_welcome<'a>(body: &mut Reader<'a>) -> Result<Welcome<'a>, Rule> {
    Ok(Welcome {
        outcome: match body.byte()? {
            0 => Outcome::New,
            1 => Outcome::Resumed,
            2 => Outcome::Replaced,
            _ => return Err(Rule::UnknownChoice),
        },
        session: body.session()?,
        member: body.member()?,
        settled: Sequence(body.varint()?),
        terms: Terms {
            ping_interval: body.millis()?,
            silence_timeout: body.millis()?,
            session_ttl: body.millis()?,
            token_expires_in: body.millis()?,
            max_payload_bytes: body.u32()?,
            max_subscriptions: body.u32()?,
            max_unanswered: body.u32()?,
        },
    })
}

fn read_gap(body: &mut Reader<'_>) -> Result<Gap, Rule> {
    Ok(Gap {
        room: read_room(body)?,
        cause: match body.byte()? {
            0 => GapCause::Evicted,
            1 => GapCause::LogLost,
            _ => return Err(Rule::UnknownChoice),
        },
        from: Offset(body.varint()?),
        resume: body.position()?,
    })
}

fn read_refused(body: &mut Reader<'_>) -> Result<Refused, Rule> {
    let what = match body.byte()? {
        0 => RefusedWhat::Publish(Sequence(body.varint()?)),
        1 => RefusedWhat::Subscription(Request(body.u32()?)),
        _ => return Err(Rule::UnknownChoice),
    };
    Ok(Refused {
        what,
        code: RefusalCode(body.u16()?),
    })
}

#[inline]
fn read_room(body: &mut Reader<'_>) -> Result<RoomNumber, Rule> {
    body.u32().map(RoomNumber)
}

fn read_bool(body: &mut Reader<'_>) -> Result<bool, Rule> {
    match body.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Rule::UnknownChoice),
    }
}

/// The rest of the body.
#[inline]
fn read_payload<'a>(body: &mut Reader<'a>, is_text: bool) -> Result<Payload<'a>, Rule> {
    let bytes = body.rest();
    if is_text {
        utf8(bytes).map(Payload::Text)
    } else {
        Ok(Payload::Binary(bytes))
    }
}
