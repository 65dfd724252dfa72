//! Events of a subscription, packed so that they cross into JavaScript at once.
//!
//! All numbers are in one array, all names in one string, all texts in another, and all bytes in one array; `batch.js`
//! cuts them up again, each event when it is asked for. One decoder call for a batch is what makes many short messages
//! cheap.

use tidewire_protocol::{
    Epoch, MemberId, OwnedPayload, Position, RoomName,
    client::{Event, PublishId},
    frame::GapCause,
};

use super::host;
use crate::utf16;

/// Packed events. `numbers` has for each its kind, and then:
///
/// | kind | numbers |
/// | --- | --- |
/// | 0 text, 1 bytes | offset, sender, length |
/// | 2 signal of text, 3 of bytes | 0, sender, length |
/// | 4 joined, 5 left | name |
/// | 6 present, 10 present and more follow | first name, count |
/// | 7 subscribed | position |
/// | 8 gap | cause, first that is missing, position |
/// | 9 ended | code |
///
/// A name is a line of `names`, -1 for the server. A length is in UTF-16 units for text. A position is the high and the low
/// half of its epoch, and its offset.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) numbers: Vec<f64>,
    pub(super) names: String,
    pub(super) texts: String,
    pub(super) bytes: Vec<u8>,
    lines: u32,
    /// Who sent the last message, and the line of the name.
    sender: Option<MemberId>,
    sender_line: u32,
}

impl Batch {
    /// About how many bytes it takes to keep; none only where there is no event.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.len() * size_of::<f64>() + self.names.len() + self.texts.len() + self.bytes.len()
    }

    pub(super) fn push(&mut self, event: Event) {
        match event {
            Event::Message {
                offset,
                sender,
                payload,
                ..
            } => {
                let sender = self.sender(sender);
                self.put_payload(0., offset.0 as f64, sender, &payload);
            }
            Event::Signal { sender, payload, .. } => {
                let sender = self.sender(sender);
                self.put_payload(2., 0., sender, &payload);
            }
            Event::Joined(_, member) => self.put_member(4., &member),
            Event::Left(_, member) => self.put_member(5., &member),
            Event::Present { members, more, .. } => {
                let kind = if more { 10. } else { 6. };
                self.put(&[kind, self.lines.into(), members.len() as f64]);
                for member in &members {
                    self.name(member.as_str());
                }
            }
            Event::Subscribed(_, position) => {
                self.put(&[7.]);
                self.put_position(position);
            }
            Event::Gap(_, gap) => {
                let cause = if gap.cause == GapCause::Evicted { 0. } else { 1. };
                self.put(&[8., cause, gap.from.0 as f64]);
                self.put_position(gap.resume);
            }
            Event::SubscriptionRefused(_, code) => self.put(&[9., code.0.into()]),
            _ => {}
        }
    }

    /// A publish of the page before, as if it were a message: with its number, and its room as who sent it.
    pub(super) fn put_restored(&mut self, id: PublishId, room: &RoomName, payload: &OwnedPayload) {
        let room = self.name(room.as_str());
        self.put_payload(0., id.0 as f64, room, payload);
    }

    /// Hands the events to JavaScript.
    pub(super) fn unpack(&self, client: u32) {
        let (names, texts) = (self.names.as_bytes(), self.texts.as_bytes());
        host::unpack(client, &self.numbers, names, texts, &self.bytes);
    }

    fn put(&mut self, numbers: &[f64]) {
        self.numbers.extend_from_slice(numbers);
    }

    fn put_position(&mut self, Position { epoch, offset }: Position) {
        self.put(&[high(epoch), low(epoch), offset.0 as f64]);
    }

    fn put_member(&mut self, kind: f64, member: &MemberId) {
        let name = self.name(member.as_str());
        self.put(&[kind, name]);
    }

    fn put_payload(&mut self, kind: f64, offset: f64, sender: f64, payload: &OwnedPayload) {
        let (kind, length) = match payload {
            OwnedPayload::Text(text) => {
                self.texts.push_str(text);
                (kind, utf16::len(text))
            }
            OwnedPayload::Binary(bytes) => {
                self.bytes.extend_from_slice(bytes);
                (kind + 1., bytes.len())
            }
        };
        self.put(&[kind, offset, sender, length as f64]);
    }

    /// Often the same as that of the message before.
    fn sender(&mut self, sender: Option<MemberId>) -> f64 {
        let Some(sender) = sender else { return -1. };
        if self.sender.as_ref() != Some(&sender) {
            self.name(sender.as_str());
            self.sender = Some(sender);
            self.sender_line = self.lines - 1;
        }
        self.sender_line.into()
    }

    fn name(&mut self, name: &str) -> f64 {
        push_line(&mut self.names, name);
        self.lines += 1;
        (self.lines - 1).into()
    }
}

/// Adds a line. Names have no line breaks of their own.
fn push_line(lines: &mut String, line: &str) {
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines.push_str(line);
}

pub(super) fn high(epoch: Epoch) -> f64 {
    ((epoch.0 >> 32) as u32).into()
}

pub(super) fn low(epoch: Epoch) -> f64 {
    (epoch.0 as u32).into()
}
