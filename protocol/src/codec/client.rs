//! The frames of the client.

use crate::{
    error::Rule,
    frame::{ClientFrame, Close, Hello, Nonce, PresenceWanted, Publish, Start, Subscribe, Token},
    ids::{Request, Sequence},
    presence::PresenceDigest,
    wire::{Put, Reader, put_frame},
};

use super::{Body, Frame, either, kind, put_close, put_number, read_payload};

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

/// How a subscription begins, in the low bits of its options.
const START: u8 = 0b011;
const START_NOW: u8 = 0;
const START_LAST: u8 = 1;
const START_AFTER: u8 = 2;
/// Whether it asks for presence.
const PRESENCE: u8 = 0b0100;
/// Whether it says which list it has; means nothing without presence.
const DIGEST: u8 = 0b1000;
const PRESENCE_AND_DIGEST: u8 = PRESENCE | DIGEST;

fn put_subscribe(out: &mut Vec<u8>, subscribe: &Subscribe<'_>) {
    let start = match subscribe.start {
        Start::Now => START_NOW,
        Start::Last(_) => START_LAST,
        Start::After(_) => START_AFTER,
    };
    let presence = match subscribe.presence {
        PresenceWanted::Nothing => 0,
        PresenceWanted::List => PRESENCE,
        PresenceWanted::Changes(_) => PRESENCE_AND_DIGEST,
    };
    out.put_varint(subscribe.request.0.into());
    out.push(start | presence);
    match subscribe.start {
        Start::Now => {}
        Start::Last(count) => out.put_varint(count.into()),
        Start::After(position) => out.put_position(position),
    }
    out.put_bytes(subscribe.room.as_bytes());
    if let PresenceWanted::Changes(digest) = subscribe.presence {
        out.extend(digest.0.to_be_bytes());
    }
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
    let room = body.room()?;
    let presence = match options & PRESENCE_AND_DIGEST {
        PRESENCE => PresenceWanted::List,
        PRESENCE_AND_DIGEST => PresenceWanted::Changes(PresenceDigest(body.u64()?)),
        _ => PresenceWanted::Nothing,
    };
    Ok(Subscribe {
        request,
        start,
        presence,
        room,
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
