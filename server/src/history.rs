//! Messages of the past, decoded from a room's log.

use bytes::Bytes;
use tidewire_protocol::{
    MemberId, Offset, decode,
    frame::{Gap, Message, ServerFrame, Start},
};

use crate::{
    engine::{LoggedMessage, Missing, Page},
    room::Room,
};

/// At most `limit` messages: the last ones, or those after a position.
pub(crate) fn read(room: &Room, start: Start, limit: usize) -> Page {
    let start = match start {
        Start::Last(count) => Start::Last(count.min(u32::try_from(limit).unwrap_or(u32::MAX))),
        other => other,
    };
    let mut chunks = Vec::new();
    let (missing, position) = {
        let log = &mut room.lock().log;
        let mut cursor = log.cursor(start);
        let missing = log.read_gap(&mut cursor).map(Missing::from);
        let last = cursor.position().offset.0.saturating_add(limit as u64);
        chunks.extend(log.read(&mut cursor, usize::MAX, Offset(last)).chunks());
        (missing, cursor.position())
    };
    Page {
        messages: chunks.iter().flat_map(messages).collect(),
        position,
        missing,
    }
}

/// The messages of a piece of a log.
pub(crate) fn messages(chunk: &Bytes) -> impl Iterator<Item = LoggedMessage> {
    decode(chunk).filter_map(|frame| match frame {
        Ok(ServerFrame::Message(message)) => Some(message.into()),
        // A log has nothing else.
        _ => None,
    })
}

impl From<Message<'_>> for LoggedMessage {
    fn from(message: Message<'_>) -> Self {
        Self {
            offset: message.offset,
            sender: MemberId::new(message.sender).ok(),
            payload: message.payload.into(),
        }
    }
}

impl From<Gap> for Missing {
    fn from(gap: Gap) -> Self {
        Self {
            cause: gap.cause,
            from: gap.from,
            resume: gap.resume,
        }
    }
}
