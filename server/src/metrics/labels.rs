//! The labels of metrics. Each has few values, whatever peers send.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use std::fmt::{self, Write};
use tidewire_protocol::{
    CloseCode,
    frame::{GapCause, Outcome, RefusalCode},
};

use crate::access::Denied;

/// Where a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    Echo,
    Chat,
    Ws,
    Poll,
}

impl Path {
    pub(crate) const ALL: [Self; 4] = [Self::Echo, Self::Chat, Self::Ws, Self::Poll];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "/echo",
            Self::Chat => "/chat",
            Self::Ws => "/ws",
            Self::Poll => "/poll",
        }
    }

    const fn transport(self) -> &'static str {
        match self {
            Self::Echo | Self::Chat | Self::Ws => "websocket",
            Self::Poll => "poll",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Endpoint {
    transport: &'static str,
    path: &'static str,
}

impl From<Path> for Endpoint {
    fn from(path: Path) -> Self {
        Self {
            transport: path.transport(),
            path: path.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Close {
    path: &'static str,
    code: Code,
}

/// A number that is known, or one of the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Code {
    Known(u16),
    Other,
}

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        match self {
            Self::Known(code) => write!(encoder, "{code}"),
            Self::Other => encoder.write_str("other"),
        }
    }
}

impl Close {
    pub(super) fn new(path: Path, code: CloseCode) -> Self {
        let is_known = !code.meaning().is_empty();
        Self {
            path: path.as_str(),
            code: if is_known { Code::Known(code.0) } else { Code::Other },
        }
    }
}

/// One label that is called `cause`, `outcome` or the like.
macro_rules! label {
    ($set:ident, $name:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(super) struct $set {
            pub(super) $name: &'static str,
        }
    };
}

label!(Cause, cause);
label!(Opened, outcome);
label!(Dropped, reason);
label!(Denial, reason);
label!(Published, result);
label!(Life, state);

impl From<Denied> for Denial {
    fn from(denied: Denied) -> Self {
        let reason = match denied {
            Denied::Unauthorized => "unauthorized",
            Denied::Expired => "expired",
            Denied::Unavailable => "unavailable",
        };
        Self { reason }
    }
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    WebSocket,
    Poll,
    /// Of another program: `/api` and `/metrics`.
    Api,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RefusedRequest {
    kind: &'static str,
    reason: &'static str,
}

impl RefusedRequest {
    pub(super) const fn new(kind: Kind, reason: &'static str) -> Self {
        let kind = match kind {
            Kind::WebSocket => "websocket",
            Kind::Poll => "poll",
            Kind::Api => "api",
        };
        Self { kind, reason }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    code: Code,
    reason: &'static str,
}

impl From<RefusalCode> for Refused {
    fn from(code: RefusalCode) -> Self {
        let reason = match code {
            RefusalCode::FORBIDDEN => "forbidden",
            RefusalCode::PAYLOAD_TOO_BIG => "payload_too_big",
            RefusalCode::TOO_MANY_SUBSCRIPTIONS => "too_many_subscriptions",
            RefusalCode::ALREADY_SUBSCRIBED => "already_subscribed",
            RefusalCode::REJECTED => "rejected",
            RefusalCode::UNAVAILABLE => "unavailable",
            RefusalCode::RATE_LIMITED => "rate_limited",
            RefusalCode::TOO_MANY_ROOMS => "too_many_rooms",
            // A program may have codes of its own.
            _ => {
                return Self {
                    code: Code::Other,
                    reason: "other",
                };
            }
        };
        Self {
            code: Code::Known(code.0),
            reason,
        }
    }
}

pub(super) const fn outcome(outcome: Outcome) -> Opened {
    Opened {
        outcome: match outcome {
            Outcome::New => "new",
            Outcome::Resumed => "resumed",
            Outcome::Replaced => "replaced",
        },
    }
}

pub(super) const fn cause(cause: GapCause) -> Cause {
    Cause {
        cause: match cause {
            GapCause::Evicted => "evicted",
            GapCause::LogLost => "log_lost",
        },
    }
}
