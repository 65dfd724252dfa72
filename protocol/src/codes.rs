//! Close codes: number, meaning, and whether to reconnect.

use core::fmt;

/// Why a WebSocket was closed: the status code of its close frame.
///
/// Codes below 3000 are [RFC 6455's](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1) and the
/// [IANA registry's](https://www.iana.org/assignments/websocket/websocket.xhtml). Tidewire's own lie in the private
/// range, and their hundreds say what a client does next:
///
/// | range | [`reconnect`](Self::reconnect) |
/// | --- | --- |
/// | 4000 to 4099 | at once |
/// | 4100 to 4199 | after a delay |
/// | 4200 to 4299 | never, until something else changed |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

/// What a client does after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// Connect again without waiting.
    AtOnce,
    /// Wait first, a random time that grows with each attempt.
    AfterDelay,
    /// Do not connect again by yourself: the same would happen.
    Never,
}

impl CloseCode {
    /// The conversation is over, as one side wished.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down, or the page was left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The other side broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The other side sent a kind of data that is not taken here.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// A close frame without a code. Never on the wire: it is what a receiver reports.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame. Never on the wire: it is what a receiver reports.
    pub const ABNORMAL: Self = Self(1006);
    /// A text message, or a close reason, was not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// The other side broke a rule that has no code of its own.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message was larger than the receiver takes.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// The server met a condition it has no answer to.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server has too much to do.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// The client was silent for longer than the server takes to be a sign of life.
    pub const SILENT: Self = Self(4000);
    /// The session's token expired: ask for another, and come back with it.
    pub const TOKEN_EXPIRED: Self = Self(4001);
    /// The receiver was so slow that what it should have read next is no longer kept.
    pub const FELL_BEHIND: Self = Self(4100);
    /// The receiver took nothing off the connection for as long as the sender was willing to wait.
    pub const STALLED: Self = Self(4101);
    /// The program did not take events from its socket, and the queue for them was full.
    pub const OVERRUN: Self = Self(4102);
    /// The client did not say hello in time.
    pub const NO_HELLO: Self = Self(4103);
    /// The server has as many sessions as it may have.
    pub const TOO_MANY_SESSIONS: Self = Self(4104);
    /// Another transport has taken the session over.
    pub const TAKEN_OVER: Self = Self(4200);
    /// The server does not speak the client's version of the protocol.
    pub const UNSUPPORTED_VERSION: Self = Self(4201);
    /// The token is not good, and another try with it would not be better.
    pub const UNAUTHORIZED: Self = Self(4202);
    /// The client did not keep to the terms of the welcome.
    pub const TERMS_BROKEN: Self = Self(4203);

    /// Whether, and when, a client should connect again.
    #[must_use]
    pub const fn reconnect(self) -> Reconnect {
        match self.0 {
            // 1006 says nothing about the server: the network cut a connection that may work again at once.
            1006 | 4000..=4099 => Reconnect::AtOnce,
            1001 | 1005 | 1011..=1014 | 4100..=4199 => Reconnect::AfterDelay,
            _ => Reconnect::Never,
        }
    }

    /// Whether a server that closes a session's transport with it has answered every publish that it accepted of that session, so
    /// that what is not answered was not accepted.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self.0, 1001 | 1012)
    }

    /// What the code means, in a few words; empty for a code that this table does not have.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NORMAL => "normal closure",
            Self::GOING_AWAY => "going away",
            Self::PROTOCOL_ERROR => "protocol error",
            Self::UNSUPPORTED_DATA => "unsupported data",
            Self::NO_STATUS => "no status received",
            Self::ABNORMAL => "connection lost",
            Self::INVALID_DATA => "invalid data",
            Self::POLICY_VIOLATION => "policy violation",
            Self::MESSAGE_TOO_BIG => "message too big",
            Self::INTERNAL_ERROR => "internal error",
            Self::SERVICE_RESTART => "service restart",
            Self::TRY_AGAIN_LATER => "try again later",
            Self::SILENT => "silent",
            Self::TOKEN_EXPIRED => "token expired",
            Self::FELL_BEHIND => "fell behind",
            Self::STALLED => "stalled",
            Self::OVERRUN => "overrun",
            Self::NO_HELLO => "no hello",
            Self::TOO_MANY_SESSIONS => "too many sessions",
            Self::TAKEN_OVER => "taken over",
            Self::UNSUPPORTED_VERSION => "unsupported version",
            Self::UNAUTHORIZED => "unauthorized",
            Self::TERMS_BROKEN => "terms broken",
            _ => "",
        }
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `1009 message too big`, or the number alone where the table has no words for it.
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            "" => write!(f, "{}", self.0),
            meaning => write!(f, "{} {meaning}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_hundreds_of_a_private_code_say_whether_to_reconnect() {
        for (code, expected) in [
            (3999, Reconnect::Never),
            (4000, Reconnect::AtOnce),
            (4099, Reconnect::AtOnce),
            (4100, Reconnect::AfterDelay),
            (4199, Reconnect::AfterDelay),
            (4200, Reconnect::Never),
            (4999, Reconnect::Never),
        ] {
            assert_eq!(CloseCode(code).reconnect(), expected, "{code}");
        }
    }

    #[test]
    fn a_fault_of_the_sender_is_not_repeated() {
        for code in [
            CloseCode::PROTOCOL_ERROR,
            CloseCode::INVALID_DATA,
            CloseCode::POLICY_VIOLATION,
            CloseCode::MESSAGE_TOO_BIG,
        ] {
            assert_eq!(code.reconnect(), Reconnect::Never, "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_shown_as_its_number() {
        assert_eq!(CloseCode::MESSAGE_TOO_BIG.to_string(), "1009 message too big");
        assert_eq!(CloseCode(4321).to_string(), "4321");
    }
}
