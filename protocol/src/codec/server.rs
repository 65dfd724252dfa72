//! The frames of the server.

use crate::{
    error::Rule,
    frame::{
        Close, Gap, GapCause, Message, Nonce, Outcome, RefusalCode, Refused, RefusedWhat, ServerFrame, Subscribed,
        Terms, Welcome,
    },
    ids::{Offset, Request, RoomNumber, Sequence},
    wire::{Members, Put, Reader, put_frame},
};

use super::{Body, Frame, either, kind, put_close, put_number, read_payload};

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

fn put_member(batch: &mut Vec<u8>, kind: u8, room: RoomNumber, member: &str) {
    put_frame(batch, kind, &[], |out| {
        out.put_varint(room.0.into());
        out.put_bytes(member.as_bytes());
    });
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
