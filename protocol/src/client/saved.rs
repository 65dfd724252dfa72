//! What a client leaves to the one that goes on in its place, as bytes: after a page was loaded again.

use core::time::Duration;

use crate::{
    error::Rule,
    frame::Payload,
    ids::{Epoch, Offset, Position, RoomName, Sequence},
    time::Instant,
    wire::{Put, Reader, utf8},
};

use super::{Attempt, Client, State, SubscriptionId, outbox::Outbox};

/// A part of what is saved. One form for all of them is one piece of code for all.
///
/// | kind | first | second | name | body |
/// | --- | --- | --- | --- | --- |
/// | publish of text, of bytes | 1 if it was sent, or 0 | milliseconds it may wait, and 1; or 0 | room | payload |
/// | place | epoch | offset | room | |
/// | session | last attempt | last sequence | session | |
/// | counters | last request | milliseconds of the date | | |
struct Part<'a> {
    kind: u8,
    first: u64,
    second: u64,
    name: &'a [u8],
    body: &'a [u8],
}

impl Client {
    /// What another client needs to go on in this one's place; nothing where this one has ended. `date` is the time since
    /// a moment that both know, in milliseconds, and `taken` says how far the user of a subscription has come, if it has
    /// taken anything.
    ///
    /// The bytes have the session in them, which is a secret. Where another client has gone on with it, this one begins a
    /// session of its own.
    pub fn save(
        &mut self,
        now: Instant,
        date: u64,
        taken: &dyn Fn(SubscriptionId) -> Option<Position>,
    ) -> Option<Vec<u8>> {
        if let State::Closed(_) = self.state {
            return None;
        }
        self.is_saved = true;
        self.outbox.give();
        let mut out = Vec::new();
        let session = self.session.as_ref().map_or(&[][..], |session| &session.0);
        put(
            &mut out,
            SESSION,
            [self.last_attempt.0, self.outbox.last().0],
            session,
            &[],
        );
        let counters = [self.subscriptions.last_request.into(), date];
        put(&mut out, COUNTERS, counters, &[], &[]);
        self.subscriptions.each_place(taken, |room, position| {
            let place = [position.epoch.0, position.offset.0];
            put(&mut out, PLACE, place, room.as_str().as_bytes(), &[]);
        });
        for (index, entry) in self.outbox.entries().enumerate() {
            let was_sent = u64::from(index < self.outbox.numbered());
            let left = entry.expires.map_or(0, |at| at.since(now).as_millis() as u64 + 1);
            let (kind, payload) = match entry.payload.as_payload() {
                Payload::Text(text) => (TEXT, text.as_bytes()),
                Payload::Binary(bytes) => (BINARY, bytes),
            };
            put(
                &mut out,
                kind,
                [was_sent, left],
                entry.room.as_str().as_bytes(),
                payload,
            );
        }
        Some(out)
    }

    /// Goes on in the place of the client that was [saved](Self::save); before [`Input::Connect`](super::Input::Connect).
    ///
    /// What that client had published and not heard of is among [`publishes`](Self::publishes), and events tell what
    /// becomes of it. Subscriptions that would begin with the next message begin where that client had come to. Bytes
    /// that no client has saved change nothing. Says whether it goes on.
    pub fn restore(&mut self, now: Instant, date: u64, saved: &[u8]) -> bool {
        if !matches!(self.state, State::Idle) || self.outbox.len() > 0 {
            return false;
        }
        self.is_saved = self.read(now, date, saved).is_ok() && self.last_attempt.0 > 0;
        if !self.is_saved {
            (self.session, self.last_attempt) = (None, Attempt(0));
            (self.subscriptions.saved, self.subscriptions.last_request) = (Vec::new(), 0);
            self.outbox = Outbox::new(self.settings.outbox);
        }
        self.is_saved
    }

    fn read(&mut self, now: Instant, date: u64, saved: &[u8]) -> Result<(), Rule> {
        let mut reader = Reader::new(saved);
        let mut away = 0;
        while !reader.is_empty() {
            let part = Part::read(&mut reader)?;
            match part.kind {
                SESSION => {
                    // Whatever else the earlier client may try, this one's attempts are later.
                    self.last_attempt = Attempt(((part.first >> GENERATION_BITS) + 1) << GENERATION_BITS);
                    self.outbox.go_on_after(Sequence(part.second));
                    if !part.name.is_empty() {
                        self.session = Some(Reader::new(part.name).session()?);
                    }
                }
                COUNTERS => {
                    self.subscriptions.last_request = part.first as u32;
                    away = date.saturating_sub(part.second);
                }
                PLACE if self.subscriptions.saved.len() < MAX_PLACES => {
                    let (epoch, offset) = (Epoch(part.first), Offset(part.second));
                    self.subscriptions
                        .saved
                        .push((part.room()?, Position { epoch, offset }));
                }
                TEXT | BINARY => {
                    let payload = match part.kind {
                        TEXT => Payload::Text(utf8(part.body)?),
                        _ => Payload::Binary(part.body),
                    };
                    let left = |ttl: u64| now + Duration::from_millis(ttl.saturating_sub(away));
                    match part.first {
                        0 => {
                            let expires = part.second.checked_sub(1).map(left);
                            self.outbox.adopt(part.room()?, payload.into(), expires);
                        }
                        _ => self.outbox.adopt_sent(part.room()?, payload.into())?,
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Part<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Rule> {
        Ok(Self {
            kind: reader.byte()?,
            first: reader.varint()?,
            second: reader.varint()?,
            name: reader.bytes()?,
            body: reader.bytes()?,
        })
    }

    fn room(&self) -> Result<RoomName, Rule> {
        RoomName::new(utf8(self.name)?).map_err(|_| Rule::EmptyName)
    }
}

fn put(out: &mut Vec<u8>, kind: u8, [first, second]: [u64; 2], name: &[u8], body: &[u8]) {
    out.push(kind);
    out.put_varint(first);
    out.put_varint(second);
    out.put_bytes(name);
    out.put_bytes(body);
}

const TEXT: u8 = 0;
const BINARY: u8 = 1;
const PLACE: u8 = 2;
const SESSION: u8 = 3;
const COUNTERS: u8 = 4;
/// More rooms are not kept: servers let a session be in as many.
const MAX_PLACES: usize = 128;
/// The low bits of an attempt count the attempts of one client, those above them the clients that have gone on with the
/// session.
const GENERATION_BITS: u32 = 20;
