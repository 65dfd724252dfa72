//! The server's side of one connection.
//!
//! What it hears goes in through [`Connection::handle_input`], with the time; then [`Connection::poll_output`] is to be
//! called until it returns [`Output::Timeout`]. What only the driver can do comes out as an [`Action`], and its result goes
//! back in as an [`Input`]. Frames of rooms do not pass through here: [`Connection::poll_room`] takes them from a log.

mod deadlines;
mod event;
mod poll;
mod receive;

use core::time::Duration;
use std::collections::VecDeque;

use crate::{
    codec::{Frame as _, decode},
    codes::CloseCode,
    frame::{Close, Outcome, RefusalCode, Refused, RefusedWhat, ServerFrame, Start, Subscribed, Terms, Welcome},
    ids::{Offset, Request, RoomName, RoomNumber, Sequence, SessionId},
    ledger::Answer,
    log::{Cursor, Frames, Log},
    sessions::Attached,
    time::Instant,
};

pub use self::event::{Action, Input, Output, Settings, Told};
use self::poll::Poll;

/// One connection, from its first byte to its close.
#[derive(Debug)]
pub struct Connection {
    state: State,
    settings: Settings,
    /// The latest moment it was told; a clock that goes back is not followed.
    now: Instant,
    heard: Instant,
    sent: Instant,
    /// Frames that are to be sent, encoded.
    batch: Vec<u8>,
    actions: VecDeque<Action>,
    /// What it has told its client that one may want to count.
    told: Vec<Told>,
    poll: Poll,
    /// The last publish of a poll, until it is answered.
    awaits: Option<Sequence>,
    /// Frames that were heard since they were last asked for.
    frames: u32,
    /// The last publish that was taken of the session, and the last up to which all were answered.
    taken: Sequence,
    answered: Sequence,
    takes_publishes: bool,
}

/// ```text
/// AwaitingHello ── hello ──> Attaching ── attached ──> Open
///       └────────────────────────┴───────── close ──────┴──> Closed
/// ```
#[derive(Debug)]
enum State {
    AwaitingHello {
        deadline: Instant,
    },
    Attaching {
        /// The whole batch of a poll; nothing otherwise.
        polled: Vec<u8>,
    },
    Open(Open),
    Closed,
}

#[derive(Debug)]
struct Open {
    session: SessionId,
    /// In no order. A message looks through it, so it is kept together.
    subscriptions: Vec<Subscription>,
    token_expires: Option<Instant>,
}

#[derive(Debug)]
struct Subscription {
    request: Request,
    room: RoomName,
    place: Place,
}

/// Where a subscription is.
#[derive(Debug)]
enum Place {
    /// The driver is opening it; it is to begin there.
    Opening(Start),
    /// It has begun.
    At(RoomNumber, Cursor),
}

impl Connection {
    /// A connection on which nothing was said.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let state = State::AwaitingHello {
            deadline: now + settings.hello_timeout,
        };
        Self {
            state,
            settings,
            now,
            heard: now,
            sent: now,
            batch: Vec::new(),
            actions: VecDeque::new(),
            told: Vec::new(),
            poll: Poll::No,
            awaits: None,
            frames: 0,
            taken: Sequence(0),
            answered: Sequence(0),
            takes_publishes: true,
        }
    }

    /// How many frames it has heard since this was last asked.
    pub fn take_frames(&mut self) -> u32 {
        core::mem::take(&mut self.frames)
    }

    /// Whether it has closed. It takes nothing in any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The session it speaks for.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match &self.state {
            State::Open(open) => Some(open.session),
            _ => None,
        }
    }

    /// Whether every publish that was taken of the session was answered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.answered >= self.taken
    }

    /// Takes what happened. Deadlines are looked at first, so that a late timer does no harm.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        if self.is_closed() {
            return;
        }
        if let Input::Received(_) = input {
            // What was heard is heard, however late the driver looks.
            self.heard = self.now;
        }
        self.check_deadlines();
        match (input, &mut self.state) {
            (Input::Received(batch), _) => self.on_frames(decode(batch)),
            (Input::Polled(batch), State::AwaitingHello { .. }) => self.on_polled(batch),
            (Input::Attached(attached, expires), State::Attaching { polled }) => {
                let polled = core::mem::take(polled);
                self.on_attached(attached, expires);
                // What was said for a session that is no more means nothing in another.
                if attached.outcome != Outcome::Replaced {
                    self.on_frames(decode(&polled).skip(1));
                }
            }
            (Input::Authenticated(expires), State::Open(open)) => {
                open.token_expires = expiry(self.now, expires);
                self.send(&ServerFrame::Authenticated { expires_in: expires });
            }
            (Input::Subscribed(request, result), State::Open(_)) => self.on_subscribed(request, result),
            (Input::Answered(sequence, answer), State::Open(_)) => self.send_answer(sequence, answer),
            (Input::GoAway(min, max), State::Open(_)) => self.send(&ServerFrame::GoAway { min, max }),
            (Input::Finish, _) => self.takes_publishes = false,
            (Input::NotTaken(sequence), _) => {
                self.takes_publishes = false;
                self.taken = self.taken.min(Sequence(sequence.0.saturating_sub(1)));
            }
            (Input::Close(code), _) => self.close(code),
            _ => {}
        }
    }

    /// What it wants next.
    pub fn poll_output(&mut self) -> Output {
        if !self.batch.is_empty() {
            self.sent = self.now;
            return Output::Send(core::mem::take(&mut self.batch));
        }
        if let Some(told) = self.told.pop() {
            return Output::Told(told);
        }
        match self.actions.pop_front() {
            Some(action) => Output::Do(action),
            None => Output::Timeout(self.next_deadline()),
        }
    }

    /// What its subscriber sees next in a room, at most `max_bytes` of it or one frame. Ahead of the frames, what
    /// [`poll_output`](Self::poll_output) has to send is to be sent; a gap is in there.
    pub fn poll_room<'a>(&mut self, log: &'a mut Log, max_bytes: usize) -> Frames<'a> {
        let State::Open(open) = &mut self.state else {
            return Frames::default();
        };
        let mut places = open
            .subscriptions
            .iter_mut()
            .map(|subscription| &mut subscription.place);
        let Some(cursor) = places.find_map(|place| place.cursor_in(log.room())) else {
            return Frames::default();
        };
        if let Some(gap) = log.read_gap(cursor) {
            self.told.push(Told::Gap(gap.cause));
            ServerFrame::Gap(gap).encode(&mut self.batch);
            self.poll.on_news();
        }
        let frames = log.read(cursor, max_bytes, Offset(u64::MAX));
        if !frames.is_empty() {
            self.sent = self.now;
            self.poll.on_news();
        }
        frames
    }

    /// Has its subscription in a room go on at the log's end, and tells a gap for what is not for it.
    pub fn skip_room(&mut self, log: &Log) {
        let State::Open(open) = &mut self.state else { return };
        let mut places = open.subscriptions.iter_mut().map(|it| &mut it.place);
        if let Some(cursor) = places.find_map(|place| place.cursor_in(log.room()))
            && let Some(gap) = log.skip(cursor)
        {
            self.send(&ServerFrame::Gap(gap));
        }
    }

    fn on_attached(&mut self, attached: &Attached, token_expires_in: Duration) {
        let token_expires = expiry(self.now, token_expires_in);
        self.state = State::Open(Open {
            session: attached.session,
            subscriptions: Vec::new(),
            token_expires,
        });
        let welcome = ServerFrame::Welcome(Welcome {
            outcome: attached.outcome,
            session: attached.session,
            member: attached.member.as_str(),
            settled: attached.settled,
            terms: Terms {
                token_expires_in,
                ..self.settings.terms
            },
        });
        match attached.outcome {
            Outcome::Resumed => self.send_as_asked(&welcome),
            Outcome::New | Outcome::Replaced => self.send(&welcome),
        }
        (self.taken, self.answered) = (attached.taken, attached.settled);
        for &(sequence, answer) in &attached.answers {
            self.send_answer(sequence, answer);
        }
    }

    fn on_subscribed(&mut self, request: Request, result: Result<(RoomNumber, Cursor), RefusalCode>) {
        let State::Open(open) = &mut self.state else { return };
        // It may have been given up in between.
        let mut subscriptions = open.subscriptions.iter_mut();
        let Some(subscription) = subscriptions.find(|it| it.request == request) else {
            return;
        };
        match result {
            Ok((room, cursor)) => {
                let position = cursor.position();
                let begun = core::mem::replace(&mut subscription.place, Place::At(room, cursor));
                let subscribed = ServerFrame::Subscribed(Subscribed {
                    request,
                    room,
                    position,
                });
                match begun {
                    Place::Opening(Start::After(asked)) if asked == position => self.send_as_asked(&subscribed),
                    _ => self.send(&subscribed),
                }
            }
            Err(code) => {
                open.subscriptions.retain(|it| it.request != request);
                self.refuse(request, code);
            }
        }
    }

    fn refuse(&mut self, request: Request, code: RefusalCode) {
        self.told.push(Told::Refused(code));
        self.send(&ServerFrame::Refused(Refused {
            what: RefusedWhat::Subscription(request),
            code,
        }));
    }

    fn send_answer(&mut self, sequence: Sequence, answer: Answer) {
        self.on_poll_answered(sequence);
        if sequence == self.answered.next() {
            self.answered = sequence;
        }
        let frame = match answer {
            Ok(position) => ServerFrame::Published { sequence, position },
            Err(code) => {
                self.told.push(Told::Refused(code));
                ServerFrame::Refused(Refused {
                    what: RefusedWhat::Publish(sequence),
                    code,
                })
            }
        };
        self.send(&frame);
    }

    fn send(&mut self, frame: &ServerFrame<'_>) {
        self.poll.on_news();
        frame.encode(&mut self.batch);
    }

    /// Sends what is no news to a poll.
    fn send_as_asked(&mut self, frame: &ServerFrame<'_>) {
        frame.encode(&mut self.batch);
    }

    fn close(&mut self, mut code: CloseCode) {
        if code.is_settled() && !self.is_settled() {
            // That would be a lie.
            code = CloseCode::TRY_AGAIN_LATER;
        }
        self.send(&ServerFrame::Close(Close {
            code,
            reason: code.meaning(),
        }));
        self.finish(code);
    }

    /// The one place where a connection ends.
    fn finish(&mut self, code: CloseCode) {
        self.state = State::Closed;
        self.poll.on_news();
        self.actions.push_back(Action::Close(code));
    }
}

impl Place {
    fn cursor_in(&mut self, number: RoomNumber) -> Option<&mut Cursor> {
        match self {
            Self::At(room, cursor) if *room == number => Some(cursor),
            _ => None,
        }
    }
}

fn expiry(now: Instant, expires_in: Duration) -> Option<Instant> {
    (!expires_in.is_zero()).then(|| now + expires_in)
}
