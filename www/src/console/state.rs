//! What the page knows, and how each thing that happens changes it. No clock and no browser: times arrive as values.

use std::rc::Rc;
use std::time::Duration;

use tidewire_client::{Close, ConnectError, Message};
use yew::Reducible;

use crate::address::Endpoint;
use crate::console::notice::Notice;
use crate::console::round_trip::{Print, RoundTrips};
use crate::console::timeline::{Timeline, What};
use crate::payload::Payload;
use crate::stamp::Stamp;

/// What the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// Where the connection stands.
    pub(crate) phase: Phase,
    /// What happened.
    pub(crate) timeline: Timeline,
    /// Messages handed to the browser.
    pub(crate) sent: Tally,
    /// Messages that arrived.
    pub(crate) received: Tally,
    /// How long answers take.
    pub(crate) round_trips: RoundTrips,
    /// What went wrong last.
    pub(crate) notice: Option<Notice>,
}

/// Where the connection stands.
///
/// ```text
/// Closed -> Connecting -> Open -> Closed       the server, or the network, ended it
///               |           |
///               +-----------+---> Closing -> Closed       the page ended it
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is none.
    #[default]
    Closed,
    /// The browser is trying.
    Connecting {
        /// The full address.
        address: String,
        /// When it began.
        since: Duration,
    },
    /// Messages can be sent.
    Open {
        /// What the answers of the address look like.
        endpoint: Endpoint,
        /// The size in bytes of the last message sent, 0 before the first.
        last_sent: usize,
    },
    /// The page has asked for the end, and waits for it.
    Closing {
        /// As in [`Phase::Open`]: messages may still arrive.
        endpoint: Endpoint,
    },
}

impl Phase {
    /// The ready state's name, as the page shows it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Connecting { .. } => "connecting",
            Self::Open { .. } => "open",
            Self::Closing { .. } => "closing",
        }
    }

    /// Whether a new connection may be made.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Whether there is a connection, or an attempt, that can be ended.
    pub(crate) fn is_closable(&self) -> bool {
        matches!(self, Self::Connecting { .. } | Self::Open { .. })
    }
}

/// Messages, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) messages: u64,
    /// Bytes in all.
    pub(crate) bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// A thing that happened, or that a person wants.
pub(crate) enum Action {
    /// The browser was asked to connect to this full address.
    Connecting(String, Stamp),
    /// It did not even try.
    ConnectFailed(ConnectError),
    /// The open event.
    Opened(Stamp),
    /// The message event.
    Received(Message, Stamp),
    /// A message was handed to the browser.
    Sent(Outgoing, Stamp),
    /// The error event.
    Failed(Stamp),
    /// The page asked for the end.
    Closing,
    /// The close event.
    Closed(Close, Stamp),
    /// Something went wrong.
    Notify(Notice),
    /// The notice was read.
    Dismiss,
    /// The timeline and the counters are no longer wanted.
    Clear,
}

/// What is kept of a message that is on its way.
pub(crate) struct Outgoing {
    payload: Payload,
    print: Print,
}

impl Outgoing {
    /// Keeps what is needed, before the message itself is given away.
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            payload: Payload::from(message),
            print: Print::of(message),
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
    fn apply(&mut self, action: Action) {
        match action {
            Action::Connecting(address, at) => {
                self.notice = None;
                self.phase = Phase::Connecting {
                    address,
                    since: at.elapsed,
                };
            }
            Action::ConnectFailed(error) => self.on_connect_failed(&error),
            Action::Opened(at) => self.on_opened(at),
            Action::Received(message, at) => self.on_received(&message, at),
            Action::Sent(outgoing, at) => self.on_sent(outgoing, at),
            Action::Failed(at) => self.timeline.note(at.time_of_day, What::Error),
            Action::Closing => self.on_closing(),
            Action::Closed(close, at) => self.on_closed(close, at),
            Action::Notify(notice) => self.notice = Some(notice),
            Action::Dismiss => self.notice = None,
            Action::Clear => {
                self.timeline.clear();
                (self.sent, self.received) = (Tally::default(), Tally::default());
            }
        }
    }

    fn on_connect_failed(&mut self, error: &ConnectError) {
        let Phase::Connecting { address, .. } = &self.phase else {
            return;
        };
        self.notice = Some(Notice::of_connect_error(error, address));
        self.phase = Phase::Closed;
    }

    fn on_opened(&mut self, at: Stamp) {
        let Phase::Connecting { address, since } = &self.phase else {
            return;
        };
        let (address, took) = (address.clone(), at.elapsed.saturating_sub(*since));
        self.phase = Phase::Open {
            endpoint: Endpoint::of(&address),
            last_sent: 0,
        };
        self.timeline.note(at.time_of_day, What::Open { address, took });
    }

    fn on_received(&mut self, message: &Message, at: Stamp) {
        let round_trip = match self.phase {
            Phase::Open { endpoint, .. } | Phase::Closing { endpoint } => {
                Print::answered(endpoint, message).and_then(|print| self.round_trips.answered(print, at.elapsed))
            }
            Phase::Closed | Phase::Connecting { .. } => None,
        };
        let payload = Payload::from(message);
        self.received.add(payload.size);
        self.timeline
            .note(at.time_of_day, What::Message { payload, round_trip });
    }

    fn on_sent(&mut self, Outgoing { payload, print }: Outgoing, at: Stamp) {
        if let Phase::Open { last_sent, .. } = &mut self.phase {
            *last_sent = payload.size;
        }
        self.notice = None;
        self.sent.add(payload.size);
        self.round_trips.sent(print, at.elapsed);
        self.timeline.note(at.time_of_day, What::Sent(payload));
    }

    fn on_closing(&mut self) {
        let endpoint = match &self.phase {
            Phase::Connecting { address, .. } => Endpoint::of(address),
            Phase::Open { endpoint, .. } => *endpoint,
            Phase::Closing { .. } | Phase::Closed => return,
        };
        self.notice = None;
        self.phase = Phase::Closing { endpoint };
    }

    fn on_closed(
        &mut self,
        Close {
            code,
            reason,
            was_clean,
        }: Close,
        at: Stamp,
    ) {
        self.round_trips.abandon();
        match std::mem::take(&mut self.phase) {
            Phase::Connecting { address, .. } => self.notice = Some(Notice::Unreachable { address }),
            Phase::Open { last_sent, .. } if code != 1000 => {
                self.notice = Some(Notice::Closed {
                    code,
                    reason: reason.clone(),
                    last_sent,
                });
            }
            Phase::Open { .. } | Phase::Closing { .. } | Phase::Closed => {}
        }
        self.timeline.note(
            at.time_of_day,
            What::Close {
                code,
                reason,
                was_clean,
            },
        );
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
