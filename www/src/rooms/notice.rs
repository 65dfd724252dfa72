//! What went wrong, in words that say what to do about it.

use tidewire_client::{CloseCode, ConnectError, NameError, PublishErrorCause, Reconnect, RefusalCode, TokenError};

use crate::format;

/// A thing that a person should know about. It stays until the connection is open again, or until it is dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// What was typed is not the name of a room.
    BadName(NameError),
    /// The browser does not even try.
    CannotConnect(ConnectError),
    /// The server does not answer.
    Unreachable,
    /// All transports that the session may have are blocked.
    Blocked,
    /// There is no token to go on with.
    Unauthorized(TokenError),
    /// The session was ended with this code.
    Closed(CloseCode),
    /// The server refused the room.
    Ended(RefusalCode),
    /// More was to be published than may wait for its answers: how many were left out.
    Full(u64),
}

impl Notice {
    /// What happened, in one line.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::BadName(_) => "That is not the name of a room".into(),
            Self::CannotConnect(_) => "The browser does not allow the connection".into(),
            Self::Unreachable => "The server does not answer".into(),
            Self::Blocked => "Nothing is left that the session may talk over".into(),
            Self::Unauthorized(TokenError::Expired) => "The token has expired".into(),
            Self::Unauthorized(_) => "There is no token to go on with".into(),
            Self::Closed(code) => format!("The session was closed: {code}"),
            Self::Ended(code) => format!("The server refused this room: {}", refusal(*code)),
            Self::Full(left_out) => {
                let messages = format::plural(*left_out, "message was", "messages were");
                format!("{messages} not published: too many wait already")
            }
        }
    }

    /// Whether it is about the name of the room that was typed.
    pub(crate) fn is_about_name(&self) -> bool {
        matches!(self, Self::BadName(_))
    }

    /// Why, as far as it can be known, and what to do.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::BadName(NameError::Empty) => "It is empty.",
            Self::BadName(NameError::TooLong) => "It may have at most 128 bytes of UTF-8.",
            Self::BadName(_) => "It must not have control characters.",
            Self::CannotConnect(_) => "A page that was loaded over https may open only wss:// addresses.",
            Self::Unreachable => "The page tries again by itself. What you publish meanwhile waits, and is sent then.",
            Self::Blocked => {
                "Unblock a transport, or choose another. What you publish meanwhile waits, and is sent then."
            }
            Self::Unauthorized(_) => "Paste another one. What you publish meanwhile waits, and is sent then.",
            Self::Closed(CloseCode::UNAUTHORIZED) => {
                "The server wants to know who you are. Paste a token that it takes, and another session begins."
            }
            Self::Closed(code) => match code.reconnect() {
                Reconnect::Never => "It does not connect again by itself. Reload the page to begin another session.",
                _ => "Reload the page to begin another session.",
            },
            Self::Ended(code) if !code.may_pass() => "It will be refused again. Choose another room.",
            Self::Ended(_) => "It may be granted later. Join again, or choose another room.",
            Self::Full(_) => "Wait until some of them were answered, or switch the link on so that they can be.",
        }
        .into()
    }
}

/// Why a publish failed.
pub(crate) fn failure(cause: PublishErrorCause) -> String {
    match cause {
        PublishErrorCause::Full => "not sent: too many publishes wait already".into(),
        PublishErrorCause::Refused(code) => format!("refused: {}", refusal(code)),
        PublishErrorCause::Unconfirmed => {
            "sent, but the session ended before the answer: it may have been accepted".into()
        }
        PublishErrorCause::Expired => "not sent: its time had passed".into(),
        PublishErrorCause::Closed => "not sent: the session has ended".into(),
        _ => "not accepted".into(),
    }
}

fn refusal(code: RefusalCode) -> String {
    match code {
        RefusalCode::FORBIDDEN => "this session may not do that here".into(),
        RefusalCode::PAYLOAD_TOO_BIG => "the message is too large".into(),
        RefusalCode::TOO_MANY_SUBSCRIPTIONS => "too many subscriptions".into(),
        RefusalCode::ALREADY_SUBSCRIBED => "subscribed already".into(),
        RefusalCode::REJECTED => "the program that runs the server refused it".into(),
        RefusalCode::UNAVAILABLE => "the log of the room cannot be reached".into(),
        RefusalCode::RATE_LIMITED => "too much in too short a time".into(),
        RefusalCode::TOO_MANY_ROOMS => "the server has as many rooms as it may have".into(),
        code => format!("code {}", code.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whether_to_try_again() {
        let full = Notice::Ended(RefusalCode(102));
        assert!(
            full.title().ends_with("the server has as many rooms as it may have"),
            "{}",
            full.title()
        );
        assert!(full.detail().contains("later"), "{}", full.detail());
        assert!(Notice::Ended(RefusalCode(1)).detail().contains("refused again"));
        assert!(Notice::Ended(RefusalCode(77)).title().ends_with("code 77"));
    }

    #[test]
    fn an_unconfirmed_publish_is_not_called_lost() {
        assert!(failure(PublishErrorCause::Unconfirmed).contains("may have been accepted"));
    }

    #[test]
    fn what_was_left_out_is_counted() {
        assert!(Notice::Full(1).title().starts_with("1 message was not published"));
        assert!(Notice::Full(1200).title().starts_with("1,200 messages were"));
    }
}
