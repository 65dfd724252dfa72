//! `/echo` and `/chat`: endpoints for any WebSocket client, without a protocol of their own.

use std::{borrow::Cow, collections::VecDeque, sync::Arc, task::Context, time::Duration};

use bytes::Bytes;
use tidewire_protocol::{CloseCode, Cursor, Offset, frame::Start};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::{
    access::Guest,
    clock::Clock,
    connection::Endpoint,
    limits::Throttle,
    metrics::Path,
    outbox::{Outbox, encode},
    room::{Interest, Reader, Room, SawEverything, State},
    websocket::Incoming,
};

const WELCOME: &str = "Welcome to the WebSocket server!";
const RECEIVED: &str = "Server received: ";
const BROADCAST: &str = "Broadcast: ";

/// Sends every message straight back, unchanged.
pub(crate) struct Echo {
    guest: Guest,
    throttle: Throttle,
}

impl Echo {
    pub(crate) fn new(guest: Guest, throttle: Throttle) -> Self {
        Self { guest, throttle }
    }
}

impl Endpoint for Echo {
    const PATH: Path = Path::Echo;

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) -> Result<(), CloseCode> {
        outbox.tally.on_received();
        outbox.tally.on_sent(1);
        outbox.push_message(message.kind, message.payload);
        Ok(())
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.guest.look(cx.waker())
    }

    fn throttle(&mut self) -> &mut Throttle {
        &mut self.throttle
    }

    fn deadline(&self) -> Option<Instant> {
        self.guest.deadline()
    }

    fn on_deadline(&mut self, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.guest.on_deadline()
    }
}

/// Welcomes, answers the sender and tells the others. The frames of its room's log are those of WebSocket.
pub(crate) struct Chat {
    clock: Clock,
    reader: Reader,
    place: Place,
    guest: Guest,
    throttle: Throttle,
    close_timeout: Duration,
    /// When it is closed although the peer has not taken all that was said, once it is to end.
    ends_by: Option<Instant>,
}

/// Where a member is in the log.
struct Place {
    cursor: Cursor,
    /// What it said itself and has not read: ranges from a first offset to a last one. Nothing is taken in while there is
    /// more to read than fits into the outbox, so that they are at most as many as messages in one read.
    own: VecDeque<(Offset, Offset)>,
}

impl Chat {
    /// Joins at the log's end: only what is said from now on is seen. When the server ends, the peer has `close_timeout` to take
    /// what was said.
    pub(crate) fn join(
        room: &Arc<Room>,
        clock: Clock,
        guest: Guest,
        throttle: Throttle,
        close_timeout: Duration,
    ) -> Self {
        let cursor = room.lock().log.cursor(Start::Now);
        Self {
            clock,
            reader: Reader::new(Arc::clone(room), Interest::Said),
            place: Place {
                cursor,
                own: VecDeque::new(),
            },
            guest,
            throttle,
            close_timeout,
            ends_by: None,
        }
    }

    /// Moves what others said into `outbox`, until it is full or there is no more.
    fn read(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<SawEverything, CloseCode> {
        if !self.reader.may_have_news() {
            return Ok(SawEverything::Yes);
        }
        let mut result = Ok(SawEverything::No);
        let Self { reader, place, .. } = self;
        reader.read(cx.waker(), |_, state| {
            result = place.read(state, outbox);
            result.unwrap_or(SawEverything::No)
        });
        result
    }
}

impl Endpoint for Chat {
    const PATH: Path = Path::Chat;

    fn on_open(&mut self, outbox: &mut Outbox) {
        outbox.tally.on_sent(1);
        outbox.push_message(Data::Text, Bytes::from_static(WELCOME.as_bytes()));
    }

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) -> Result<(), CloseCode> {
        // What is said is quoted inside a text message, so bytes that are not UTF-8 are replaced.
        let said = match message.kind {
            Data::Text => Cow::Borrowed(&message.payload[..]),
            _ => lossy(&message.payload),
        };
        outbox.tally.on_received();
        outbox.tally.on_sent(1);
        outbox.push_copied(Data::Text, &[RECEIVED.as_bytes(), &said]);
        let now = self.clock.now();
        let position = self.reader.room().append(|log| {
            log.append_with(now, |_, out| {
                encode(Data::Text, &[BROADCAST.as_bytes(), &said], out);
            })
        });
        self.place.said(position.offset);
        Ok(())
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.guest.look(cx.waker())?;
        match self.read(cx, outbox)? {
            SawEverything::Yes if self.ends_by.is_some() => Err(CloseCode::GOING_AWAY),
            _ => Ok(()),
        }
    }

    fn throttle(&mut self) -> &mut Throttle {
        &mut self.throttle
    }

    fn deadline(&self) -> Option<Instant> {
        self.guest.deadline().into_iter().chain(self.ends_by).min()
    }

    fn on_deadline(&mut self, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        match self.ends_by {
            Some(at) if at <= Instant::now() => Err(CloseCode::GOING_AWAY),
            _ => self.guest.on_deadline(),
        }
    }

    /// It ends once all that was said is on its way.
    fn finish(&mut self, _outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.ends_by.get_or_insert_with(|| Instant::now() + self.close_timeout);
        Ok(())
    }
}

impl Place {
    fn said(&mut self, offset: Offset) {
        match self.own.back_mut() {
            Some((_, last)) if last.next() == offset => *last = offset,
            _ => self.own.push_back((offset, offset)),
        }
    }

    /// Moves frames of others into the outbox until it is full or the log's end is reached.
    fn read(&mut self, State { log, .. }: &mut State, outbox: &mut Outbox) -> Result<SawEverything, CloseCode> {
        if log.read_gap(&mut self.cursor).is_some() {
            return Err(CloseCode::FELL_BEHIND);
        }
        while !outbox.is_full() {
            let next = self.cursor.position().offset.next();
            let until = match self.own.front() {
                Some((first, last)) if *first <= next => {
                    while self.cursor.position().offset < *last {
                        self.cursor.skip();
                    }
                    self.own.pop_front();
                    continue;
                }
                Some((first, _)) => Offset(first.0 - 1),
                None => Offset(u64::MAX),
            };
            let frames = log.read(&mut self.cursor, outbox.room(), until);
            if frames.is_empty() {
                return Ok(SawEverything::Yes);
            }
            outbox.tally.on_read(frames.count(), frames.oldest());
            frames.chunks().for_each(|chunk| outbox.push_chunk(chunk));
            if frames.is_all() {
                return Ok(SawEverything::Yes);
            }
        }
        Ok(SawEverything::No)
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tidewire_protocol::{Epoch, FRAME_OVERHEAD, Position, Retention, RoomNumber};

    use super::*;
    use crate::{budget::Budget, outbox::HIGH_WATER};

    fn room(max_bytes: usize) -> Arc<Room> {
        let retention = Retention {
            max_messages: usize::MAX,
            max_bytes,
            ..Retention::default()
        };
        let position = Position {
            epoch: Epoch(0),
            offset: Offset(0),
        };
        let budget = Arc::new(Budget::new(usize::MAX));
        Room::new(RoomNumber(0), position, retention, budget, std::sync::Weak::new())
    }

    fn join(room: &Arc<Room>) -> Chat {
        Chat::join(room, Clock::new(), Guest::default(), Throttle::new(None), CLOSE)
    }

    fn say(member: &mut Chat, length: usize) {
        let payload = vec![b'x'; length].into();
        let message = Incoming {
            kind: Data::Text,
            payload,
        };
        assert_eq!(member.on_message(message, &mut Outbox::default()), Ok(()));
    }

    /// How long what others said is, in bytes of frames.
    fn read(member: &mut Chat) -> Result<usize, CloseCode> {
        let mut outbox = Outbox::default();
        member.poll_frames(&mut Context::from_waker(Waker::noop()), &mut outbox)?;
        Ok(outbox.len())
    }

    const CLOSE: Duration = Duration::from_secs(3);

    const FRAME: usize = 2 + BROADCAST.len() + 10;

    #[tokio::test]
    async fn everyone_but_the_sender_sees_a_frame_once() {
        let room = room(1 << 20);
        let (mut sender, mut other) = (join(&room), join(&room));
        say(&mut sender, 10);
        assert_eq!((read(&mut sender), read(&mut other)), (Ok(0), Ok(FRAME)));
        assert_eq!((read(&mut sender), read(&mut other)), (Ok(0), Ok(0)));
    }

    #[tokio::test]
    async fn of_what_several_say_in_turn_each_sees_what_the_others_said() {
        let room = room(1 << 20);
        let (mut ann, mut bob, mut cid) = (join(&room), join(&room), join(&room));
        for _ in 0..3 {
            say(&mut ann, 10);
            say(&mut ann, 10);
            say(&mut bob, 10);
        }
        assert_eq!(
            [&mut ann, &mut bob, &mut cid].map(read),
            [Ok(3 * FRAME), Ok(6 * FRAME), Ok(9 * FRAME)]
        );
    }

    #[tokio::test]
    async fn who_joins_later_does_not_see_what_was_said_before() {
        let room = room(1 << 20);
        say(&mut join(&room), 10);
        assert_eq!(read(&mut join(&room)), Ok(0));
    }

    #[tokio::test]
    async fn a_member_falls_behind_at_the_first_byte_over_the_bound() {
        let bound = 2 * (FRAME + FRAME_OVERHEAD);
        for (last, expected) in [(10, Ok(2 * FRAME)), (11, Err(CloseCode::FELL_BEHIND))] {
            let room = room(bound);
            let (mut sender, mut slow) = (join(&room), join(&room));
            say(&mut sender, 10);
            say(&mut sender, last);
            assert_eq!(read(&mut slow), expected, "{last}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_behind_as_the_server_ends_gets_what_was_said_and_is_waited_for_so_long() {
        let room = room(4 << 20);
        let (mut sender, mut quick, mut slow) = (join(&room), join(&room), join(&room));
        for _ in 0..3 {
            say(&mut sender, HIGH_WATER);
        }
        let mut outbox = Outbox::default();
        for member in [&mut sender, &mut quick, &mut slow] {
            assert_eq!(member.finish(&mut outbox), Ok(()));
            assert_eq!(member.finish(&mut outbox), Ok(()));
        }
        assert_eq!(read(&mut sender), Err(CloseCode::GOING_AWAY), "the others' it has all");
        for _ in 0..2 {
            assert!(read(&mut quick).is_ok_and(|bytes| bytes > HIGH_WATER));
        }
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(quick.poll_frames(&mut cx, &mut outbox), Err(CloseCode::GOING_AWAY));
        assert!(outbox.len() > HIGH_WATER, "with the last");
        tokio::time::advance(CLOSE - Duration::from_millis(1)).await;
        assert_eq!(slow.on_deadline(&mut outbox), Ok(()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(slow.deadline(), Some(Instant::now()));
        assert_eq!(slow.on_deadline(&mut outbox), Err(CloseCode::GOING_AWAY));
    }

    #[tokio::test]
    async fn a_full_outbox_leaves_the_rest_in_the_log() {
        let room = room(4 << 20);
        let (mut sender, mut other) = (join(&room), join(&room));
        for _ in 0..3 {
            say(&mut sender, HIGH_WATER);
        }
        for expected in [true, true, true, false] {
            assert_eq!(read(&mut other).map(|bytes| bytes > 0), Ok(expected));
        }
    }
}
