//! The same message in three formats.

use std::{borrow::Cow, hint::black_box, rc::Rc};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tidewire_protocol::{
    Frame, Offset, RoomNumber, decode,
    frame::{Message, Payload, ServerFrame},
};

use super::timing::Cell;

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Tidewire,
    Json,
    MessagePack,
}

/// A message whose text is borrowed where it can be.
#[expect(dead_code, reason = "it is timed how long it takes to get there")]
#[derive(Deserialize)]
struct Borrowed<'a> {
    room: u32,
    offset: u64,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// A message with text of its own.
#[derive(PartialEq, Serialize, Deserialize)]
struct Owned {
    room: u32,
    offset: u64,
    sender: String,
    text: String,
}

impl Format {
    /// In the order of their rows.
    pub(super) const ALL: [Self; 3] = [Self::Tidewire, Self::Json, Self::MessagePack];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tidewire => "tidewire",
            Self::Json => "json",
            Self::MessagePack => "msgpack",
        }
    }

    /// How many bytes a message with such a payload takes, and what is timed: to encode it, to decode it, to decode it
    /// to something owned.
    pub(super) fn cells(self, payload: usize) -> Result<(usize, [Cell; 3])> {
        let message = message(payload);
        match self {
            Self::Tidewire => cells(
                message,
                encode,
                |bytes| _ = black_box(read(bytes)),
                |bytes| own(read(bytes)?),
            ),
            Self::Json => cells(
                message,
                |message| serde_json::to_vec(message).unwrap_or_default(),
                |bytes| _ = black_box(serde_json::from_slice::<Borrowed<'_>>(bytes)),
                |bytes| serde_json::from_slice(bytes).ok(),
            ),
            Self::MessagePack => cells(
                message,
                |message| rmp_serde::to_vec(message).unwrap_or_default(),
                |bytes| _ = black_box(rmp_serde::from_slice::<Borrowed<'_>>(bytes)),
                |bytes| rmp_serde::from_slice(bytes).ok(),
            ),
        }
    }
}

fn cells(
    message: Owned,
    encode: impl Fn(&Owned) -> Vec<u8> + 'static,
    decode: impl Fn(&[u8]) + 'static,
    decode_owned: impl Fn(&[u8]) -> Option<Owned> + 'static,
) -> Result<(usize, [Cell; 3])> {
    let bytes: Rc<[u8]> = encode(&message).into();
    ensure!(
        decode_owned(&bytes).as_ref() == Some(&message),
        "a message is not decoded to itself"
    );
    let again = Rc::clone(&bytes);
    let length = bytes.len();
    let encode = Cell::new(move || encode(black_box(&message)))?;
    let decode = Cell::new(move || decode(black_box(&bytes)))?;
    let decode_owned = Cell::new(move || decode_owned(black_box(&again)))?;
    Ok((length, [encode, decode, decode_owned]))
}

fn encode(message: &Owned) -> Vec<u8> {
    let mut bytes = Vec::new();
    ServerFrame::Message(Message {
        room: RoomNumber(message.room),
        offset: Offset(message.offset),
        sender: &message.sender,
        payload: Payload::Text(&message.text),
    })
    .encode(&mut bytes);
    bytes
}

fn read(bytes: &[u8]) -> Option<ServerFrame<'_>> {
    decode(bytes).next()?.ok()
}

fn own(frame: ServerFrame<'_>) -> Option<Owned> {
    let ServerFrame::Message(Message {
        room,
        offset,
        sender,
        payload: Payload::Text(text),
    }) = frame
    else {
        return None;
    };
    Some(Owned {
        room: room.0,
        offset: offset.0,
        sender: sender.to_owned(),
        text: text.to_owned(),
    })
}

fn message(payload: usize) -> Owned {
    let words = "a message of some people in a room, and what they say about it; ";
    Owned {
        room: 42,
        offset: 123_456,
        sender: "member-17".to_owned(),
        text: words.chars().cycle().take(payload).collect(),
    }
}
