//! What the rooms page knows, and how each thing that happens changes it. No clock and no browser: times arrive as values.

use std::rc::Rc;
use std::time::Duration;

use tidewire_client::{
    ClientState, CloseCode, MemberId, OwnedPayload, Position, PublishErrorCause, RoomEvent, TransportKind,
};
use yew::Reducible;

use crate::payload::Payload;
use crate::recent::Recent;
use crate::rooms::audit::{Audit, Verdict};
use crate::rooms::notice::Notice;
use crate::rooms::people::People;
use crate::rooms::timeline::{Said, Timeline, What};
use crate::rooms::transports::{Choice, Loss, Transports};
use crate::stamp::Stamp;

/// What the page knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    /// What the client is doing.
    pub(crate) connection: ClientState,
    /// Where the switch stands.
    pub(crate) link: Link,
    /// What it talks over.
    pub(crate) transports: Transports,
    /// Who this page is to others, once it was welcomed.
    pub(crate) me: Option<MemberId>,
    /// How long it takes to the server and back.
    pub(crate) round_trips: Recent,
    /// Whether the server wants a token that it has not been shown.
    pub(crate) wants_token: bool,
    /// Which of the page's sessions this is, from 0: the one after another that was closed.
    pub(crate) session: u32,
    /// What went wrong last.
    pub(crate) notice: Option<Notice>,
    /// Who is in the room.
    pub(crate) people: People,
    /// The count of what came from it.
    pub(crate) audit: Audit,
    /// What was said in it, and what happened.
    pub(crate) timeline: Timeline,
    /// Whether the room was subscribed to before, so that from now on it resumes.
    has_joined: bool,
}

/// The switch of the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// The client connects, and stays connected.
    #[default]
    Up,
    /// It has dropped its connection, and makes no other.
    Cut,
}

/// What the client is doing.
pub(crate) struct Connection {
    pub(crate) state: ClientState,
    /// What it talks over, while it can talk.
    pub(crate) transport: Option<TransportKind>,
    /// By which id others know it.
    pub(crate) me: Option<MemberId>,
}

/// A thing that happened, or that a person wants.
pub(crate) enum Action {
    /// Another session begins, in the place of one that has ended.
    Begin,
    /// A room was entered. What was known of another is forgotten.
    Enter,
    /// The client does something else now.
    Connection(Connection, Stamp),
    /// The switch was moved.
    Switch(Link),
    /// The session may have this.
    Choose(Choice),
    /// A kind of transport was blocked, or is no longer.
    Block(TransportKind, bool),
    /// Events of the room, in their order.
    Heard(Vec<RoomEvent>, Stamp),
    /// A publish is under way: its number, and what it says.
    Publishing(u64, Payload, Stamp),
    /// It was accepted at this place.
    Published(u64, Position),
    /// It failed.
    PublishFailed(u64, PublishErrorCause, Stamp),
    /// A round trip took this long.
    RoundTrip(Duration),
    /// Time has passed: it is this long since the page was loaded.
    Expire(Duration),
    /// Something went wrong.
    Notify(Notice),
    /// The notice was read.
    Dismiss,
    /// The timeline and the counters are no longer wanted.
    Clear,
}

impl Default for State {
    fn default() -> Self {
        Self {
            connection: ClientState::Idle,
            link: Link::Up,
            transports: Transports::default(),
            me: None,
            round_trips: Recent::default(),
            wants_token: false,
            session: 0,
            notice: None,
            people: People::default(),
            audit: Audit::default(),
            timeline: Timeline::default(),
            has_joined: false,
        }
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = Rc::unwrap_or_clone(self);
        state.apply(action);
        Rc::new(state)
    }
}

impl State {
    /// What the connection is doing, in one word.
    pub(crate) fn phase(&self) -> &'static str {
        match self.connection {
            ClientState::Open => "open",
            ClientState::Waiting(_) => "waiting",
            ClientState::Offline => "offline",
            ClientState::Unauthorized(_) => "no token",
            ClientState::Closed(_) => "closed",
            _ => "connecting",
        }
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Begin => self.session += 1,
            Action::Enter => self.on_enter(),
            Action::Connection(connection, at) => self.on_connection(connection, at),
            Action::Switch(link) => self.link = link,
            Action::Choose(choice) => self.transports.choice = choice,
            Action::Block(kind, is_blocked) => self.transports.block(kind, is_blocked),
            Action::Heard(events, at) => events.into_iter().for_each(|event| self.on_event(event, at)),
            Action::Publishing(number, payload, at) => self.timeline.publish(number, at.time_of_day, payload),
            Action::Published(number, place) => self.on_published(number, place),
            Action::PublishFailed(number, cause, at) => self.on_publish_failed(number, cause, at),
            Action::RoundTrip(time) => self.round_trips.note(time),
            Action::Expire(now) => self.people.expire(now),
            Action::Notify(notice) => self.notice = Some(notice),
            Action::Dismiss => self.notice = None,
            Action::Clear => {
                self.timeline.clear();
                self.audit.reset();
            }
        }
    }

    fn on_enter(&mut self) {
        *self = Self {
            connection: self.connection,
            link: self.link,
            transports: self.transports,
            me: self.me.take(),
            round_trips: std::mem::take(&mut self.round_trips),
            wants_token: self.wants_token,
            session: self.session,
            ..Self::default()
        };
    }

    fn on_connection(&mut self, connection: Connection, at: Stamp) {
        let Connection { state, transport, me } = connection;
        let was_open = self.connection == ClientState::Open;
        match state {
            ClientState::Open => (self.notice, self.wants_token) = (None, false),
            ClientState::Unauthorized(why) => {
                (self.notice, self.wants_token) = (Some(Notice::Unauthorized(why)), true);
            }
            ClientState::Closed(code) if code != CloseCode::NORMAL => {
                self.notice = Some(Notice::Closed(code));
                self.wants_token |= code == CloseCode::UNAUTHORIZED;
            }
            ClientState::Waiting(_) if !was_open => self.on_failed_try(),
            _ => {}
        }
        let moved_to = self.transports.follow(transport);
        if was_open && state != ClientState::Open {
            let loss = match self.link {
                Link::Cut => Loss::Cut,
                Link::Up => self.transports.loss(),
            };
            self.timeline.note(at.time_of_day, What::LinkLost(loss));
        }
        if let Some(kind) = moved_to {
            self.timeline.note(at.time_of_day, What::Moved(kind));
        }
        self.connection = state;
        self.me = me;
    }

    /// What is blocked does not tell of the server. The client tries something else next, if there is something.
    fn on_failed_try(&mut self) {
        if self.transports.is_all_blocked() {
            self.notice = Some(Notice::Blocked);
        } else if !self.transports.is_any_blocked() {
            self.notice = Some(Notice::Unreachable);
        }
    }

    fn on_event(&mut self, event: RoomEvent, at: Stamp) {
        match event {
            RoomEvent::Subscribed(position) => self.on_subscribed(position, at),
            RoomEvent::Message {
                position,
                sender,
                payload,
            } => {
                self.on_message(position, sender, Payload::from(&payload), at);
            }
            RoomEvent::Gap(gap) => {
                let unnamed = self.audit.gap(&gap);
                self.note_hole(unnamed, at);
                self.timeline.note(at.time_of_day, What::Gap(gap));
                self.timeline.forget_placed(|place| self.audit.is_past(place));
            }
            RoomEvent::Joined(member) => self.people.joined(member),
            RoomEvent::Left(member) => self.people.left(&member),
            RoomEvent::Present(members) => self.people.set(members),
            RoomEvent::Signal {
                sender: Some(sender),
                payload,
            } if is_typing(&payload) && self.me.as_ref() != Some(&sender) => self.people.types(sender, at.elapsed),
            RoomEvent::Ended(code) => self.notice = Some(Notice::Ended(code)),
            // Signals of other programs, and what the library may come to tell.
            _ => {}
        }
    }

    fn on_subscribed(&mut self, position: Position, at: Stamp) {
        self.audit.subscribed(position);
        let what = if self.has_joined {
            What::Resumed(position)
        } else {
            What::Joined(position)
        };
        self.has_joined = true;
        self.timeline.note(at.time_of_day, what);
    }

    fn on_message(&mut self, position: Position, sender: Option<MemberId>, payload: Payload, at: Stamp) {
        let verdict = self.audit.message(position);
        if let Verdict::Hole(missing) = verdict {
            self.note_hole(missing, at);
        }
        if let Some(sender) = &sender {
            self.people.stopped(sender);
        }
        let said = Said {
            position,
            is_mine: sender.is_some() && sender == self.me,
            is_doubled: verdict == Verdict::Doubled,
            sender,
            payload,
        };
        self.timeline.note_message(at.time_of_day, said);
    }

    fn note_hole(&mut self, missing: u64, at: Stamp) {
        if missing > 0 {
            self.timeline.note(at.time_of_day, What::Hole(missing));
        }
    }

    fn on_published(&mut self, number: u64, place: Position) {
        if self.audit.is_past(place) {
            // Its message has come, or a gap has named it.
            self.timeline.take(number);
        } else {
            self.timeline.place(number, place);
        }
    }

    fn on_publish_failed(&mut self, number: u64, cause: PublishErrorCause, at: Stamp) {
        if let Some(pending) = self.timeline.take(number) {
            let payload = Rc::unwrap_or_clone(pending).payload;
            self.timeline.note(at.time_of_day, What::Failed { payload, cause });
        }
    }
}

/// Whether a signal says that its sender writes. Other programs may signal other things.
fn is_typing(payload: &OwnedPayload) -> bool {
    matches!(payload, OwnedPayload::Text(text) if &**text == TYPING)
}

/// The signal of somebody who writes.
pub(crate) const TYPING: &str = "typing";

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
