//! Bytes to frames and back. `docs/PROTOCOL.md` defines each field; its examples are the tests of this file.

mod client;
mod kind;
mod server;

use crate::{
    error::{DecodeError, Rule},
    frame::{Close, Payload},
    wire::{Put, Reader, put_frame, utf8},
};

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

fn either(payload: &Payload<'_>, text: u8, binary: u8) -> u8 {
    match payload {
        Payload::Text(_) => text,
        Payload::Binary(_) => binary,
    }
}

fn put_number(batch: &mut Vec<u8>, kind: u8, number: u32) {
    put_frame(batch, kind, &[], |out| out.put_varint(number.into()));
}

fn put_close(batch: &mut Vec<u8>, close: &Close<'_>) {
    put_frame(batch, kind::CLOSE, &[], |out| {
        out.put_varint(close.code.0.into());
        out.put_bytes(close.reason.as_bytes());
    });
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
