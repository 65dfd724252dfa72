//! What went wrong, in words that say what to do about it.

use tidewire_client::{CloseError, ConnectError};
use tidewire_protocol::{CloseCode, Reconnect};

use crate::address::AddressError;
use crate::format;
use crate::hex::HexError;

/// A thing that a person should know about. It stays until the next attempt, or until it is dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// What was typed is not an address.
    BadAddress(AddressError),
    /// The browser refused to try.
    NotAllowed {
        /// The full address.
        address: String,
    },
    /// The connection failed before it was open.
    Unreachable {
        /// The full address.
        address: String,
    },
    /// A connection that was open ended, and not because this page asked for it.
    Closed {
        /// The status code, or what the browser reports without one.
        code: u16,
        /// What the server said.
        reason: String,
        /// The size in bytes of the last message that was sent, 0 if none.
        last_sent: usize,
    },
    /// There is nothing open to send on.
    NotOpen,
    /// The browser still holds so much unsent that this message has to wait.
    BufferFull {
        /// The size of the message in bytes.
        size: usize,
    },
    /// The browser did not take the message.
    Rejected,
    /// What was typed as bytes are none.
    BadHex(HexError),
    /// No file was chosen.
    NoFile,
    /// The file is larger than the page sends.
    FileTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The largest size in bytes.
        limit: u64,
    },
    /// The browser could not read the file.
    FileUnreadable,
    /// The code or the reason to close with cannot be sent.
    BadClose(CloseError),
}

/// The part of the page that a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The address.
    Address,
    /// What is to be sent.
    Composer,
    /// The code to close with.
    CloseCode,
    /// The reason to close with.
    CloseReason,
}

impl Notice {
    /// The notice for a connection that could not even be tried.
    pub(crate) fn of_connect_error(error: &ConnectError, address: &str) -> Self {
        match error {
            ConnectError::Refused => Self::NotAllowed {
                address: address.into(),
            },
            _ => Self::BadAddress(AddressError::Browser),
        }
    }

    /// What happened, in one line.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::BadAddress(_) => "That is not the address of a WebSocket".into(),
            Self::NotAllowed { address } => format!("The browser does not allow a connection to {address}"),
            Self::Unreachable { address } => format!("Could not connect to {address}"),
            Self::Closed { code, .. } => closed_title(CloseCode(*code)),
            Self::NotOpen => "Not connected, so nothing was sent".into(),
            Self::BufferFull { .. } => "The connection is not keeping up, so this was not sent".into(),
            Self::Rejected => "The browser did not take the message".into(),
            Self::BadHex(_) => "Those are not bytes".into(),
            Self::NoFile => "No file is chosen".into(),
            Self::FileTooLarge { .. } => "The file is too large".into(),
            Self::FileUnreadable => "The file could not be read".into(),
            Self::BadClose(CloseError::InvalidCode) => "That code cannot be sent".into(),
            Self::BadClose(CloseError::ReasonTooLong) => "The reason is too long".into(),
            Self::BadClose(_) => "The connection could not be closed like that".into(),
        }
    }

    /// Why, as far as it can be known, and what to do.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::BadAddress(error) => error.to_string(),
            Self::NotAllowed { .. } => {
                "A page that was loaded over https may open only wss:// addresses, and some ports are closed to all pages."
                    .into()
            }
            Self::Unreachable { .. } => "Browsers do not tell a page why. Check that the server is running, that host, \
                port and path are right, and that no proxy or firewall on the way refuses WebSockets."
                .into(),
            Self::Closed { code, reason, last_sent } => closed_detail(CloseCode(*code), reason, *last_sent),
            Self::NotOpen => "Connect first; what you wrote is still here.".into(),
            Self::BufferFull { size } => format!(
                "The message has {}, and the browser still holds earlier ones. Try again when they are sent.",
                format::size(*size as u64)
            ),
            Self::Rejected => "What you wrote is still here.".into(),
            Self::BadHex(error) => sentence(&error.to_string()),
            Self::NoFile => "Choose one first.".into(),
            Self::FileTooLarge { size, limit } => {
                format!("It has {}; this page sends files of up to {}.", format::size(*size), format::size(*limit))
            }
            Self::FileUnreadable => "It may have been moved or changed since it was chosen. Choose it again.".into(),
            Self::BadClose(CloseError::InvalidCode) => "A page may close with 1000, or with 3000 to 4999.".into(),
            Self::BadClose(CloseError::ReasonTooLong) => "It may have at most 123 bytes of UTF-8.".into(),
            Self::BadClose(_) => "Choose another code or reason.".into(),
        }
    }

    /// The part of the page to look at.
    pub(crate) fn field(&self) -> Option<Field> {
        match self {
            Self::BadAddress(_) => Some(Field::Address),
            Self::BadHex(_) | Self::NoFile | Self::FileTooLarge { .. } | Self::FileUnreadable => Some(Field::Composer),
            Self::BadClose(CloseError::InvalidCode) => Some(Field::CloseCode),
            Self::BadClose(CloseError::ReasonTooLong) => Some(Field::CloseReason),
            _ => None,
        }
    }
}

fn closed_title(code: CloseCode) -> String {
    match code {
        CloseCode::ABNORMAL => "The connection was lost".into(),
        CloseCode::MESSAGE_TOO_BIG => "The message was too large for the server".into(),
        CloseCode::GOING_AWAY => "The server is going away".into(),
        code => format!("The connection was closed: {code}"),
    }
}

fn closed_detail(code: CloseCode, reason: &str, last_sent: usize) -> String {
    let mut detail = match code {
        CloseCode::ABNORMAL => {
            "It ended without a close frame (1006): the server stopped, or the network between was cut.".into()
        }
        CloseCode::MESSAGE_TOO_BIG => format!(
            "It closed the connection ({code}). The last message sent had {}.",
            format::plural(last_sent as u64, "byte", "bytes")
        ),
        CloseCode::GOING_AWAY => format!("It closed the connection ({code})."),
        CloseCode::OVERRUN => "Messages came faster than this page could take them.".into(),
        _ => String::new(),
    };
    if !reason.is_empty() {
        join(&mut detail, &format!("The reason given: {reason}"));
    }
    let next = match code.reconnect() {
        _ if code == CloseCode::MESSAGE_TOO_BIG => "You can connect again, and send less at once.",
        Reconnect::AtOnce => "You can connect again at once.",
        Reconnect::AfterDelay => "Wait a moment before you connect again.",
        Reconnect::Never => "The same is likely to happen again until something changes.",
    };
    join(&mut detail, next);
    detail
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str(if text.ends_with('.') { " " } else { ". " });
    }
    text.push_str(more);
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    let mut sentence: String = first.into_iter().chain(characters).collect();
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: CloseCode, reason: &str, last_sent: usize) -> Notice {
        Notice::Closed {
            code: code.0,
            reason: reason.into(),
            last_sent,
        }
    }

    #[test]
    fn a_message_too_large_is_explained_with_its_size() {
        let notice = closed(CloseCode::MESSAGE_TOO_BIG, "", 3 << 20);
        assert_eq!(notice.title(), "The message was too large for the server");
        assert!(notice.detail().contains("1009 message too big"), "{}", notice.detail());
        assert!(notice.detail().contains("3,145,728 bytes"), "{}", notice.detail());
    }

    #[test]
    fn a_reason_given_is_told() {
        let notice = closed(CloseCode(4321), "go home", 0);
        assert_eq!(notice.title(), "The connection was closed: 4321");
        assert!(
            notice.detail().starts_with("The reason given: go home. "),
            "{}",
            notice.detail()
        );
    }

    #[test]
    fn a_refused_connection_says_what_to_check() {
        let detail = Notice::Unreachable {
            address: "ws://x/".into(),
        }
        .detail();
        for word in ["server", "port", "path", "firewall"] {
            assert!(detail.contains(word), "{detail}");
        }
    }

    #[test]
    fn the_browsers_refusal_is_told_from_a_bad_address() {
        let address = "ws://example.org/";
        assert_eq!(
            Notice::of_connect_error(&ConnectError::Refused, address),
            Notice::NotAllowed {
                address: address.into()
            }
        );
        assert_eq!(
            Notice::of_connect_error(&ConnectError::InvalidUrl, address),
            Notice::BadAddress(AddressError::Browser)
        );
    }

    #[test]
    fn bad_bytes_are_pointed_at() {
        let notice = Notice::BadHex(HexError::NotADigit {
            position: 5,
            found: 'g',
        });
        assert_eq!(notice.detail(), "Character 5 is not a hex digit: g.");
        assert_eq!(notice.field(), Some(Field::Composer));
    }
}
