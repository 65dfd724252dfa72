//! One error for each thing that can be asked of a client or a room; each gives back what it was given.

use core::{error::Error, fmt};

use tidewire_protocol::{OwnedPayload, frame::RefusalCode};

/// Why a connection was not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not one of a WebSocket: its form or scheme is wrong, or it has a fragment.
    InvalidUrl,
    /// A subprotocol is not a token, or is named twice.
    InvalidProtocols,
    /// The browser does not allow it here, as for `ws:` in a page of `https:`.
    Refused,
    /// Outside a browser: the program was built without the feature `tls`, which `wss:` needs.
    NoTls,
    /// Outside a browser: the certificates that `wss:` is to trust cannot be read, or there are none.
    InvalidRoots,
    /// Outside a browser: there is no tokio runtime to run in.
    NoRuntime,
}

/// Why a room was not subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// This client is subscribed to it already. Share the events, or drop the other subscription first.
    AlreadySubscribed,
    /// The client has ended.
    Closed,
}

/// A message that was not published, as far as is known, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishError {
    /// Why.
    pub cause: PublishErrorCause,
    /// The message, as it was given.
    pub payload: OwnedPayload,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishErrorCause {
    /// As much waits to be answered as [`ClientOptions::outbox`](crate::ClientOptions::outbox) allows. It was not sent.
    Full,
    /// The server refused it.
    Refused(RefusalCode),
    /// It was sent, or left to another page, and the session ended before the answer came: whether it was accepted is
    /// unknown.
    Unconfirmed,
    /// Its time to live passed before it could be sent. It was not sent.
    Expired,
    /// The client has ended, or in Yew there is none yet. It was not sent.
    Closed,
}

/// A signal that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalError {
    /// Why.
    pub cause: SignalErrorCause,
    /// The signal, as it was given.
    pub payload: OwnedPayload,
}

/// Why a signal was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalErrorCause {
    /// There is no connection.
    NotConnected,
    /// More than [`ClientOptions::max_unsent_bytes`](crate::ClientOptions::max_unsent_bytes) wait to be sent.
    Full,
}

impl ConnectError {
    const fn text(self) -> &'static str {
        match self {
            Self::InvalidUrl => "not the address of a WebSocket",
            Self::InvalidProtocols => "a subprotocol is not a token, or is named twice",
            Self::Refused => "the browser does not allow this connection",
            Self::NoTls => "the program was built without TLS",
            Self::InvalidRoots => "the certificates to trust cannot be read, or there are none",
            Self::NoRuntime => "there is no tokio runtime to run in",
        }
    }
}

impl SubscribeError {
    const fn text(self) -> &'static str {
        match self {
            Self::AlreadySubscribed => "the client is subscribed to this room already",
            Self::Closed => "the client has ended",
        }
    }
}

impl PublishErrorCause {
    const fn text(self) -> &'static str {
        match self {
            Self::Full => "too many publishes wait for their answers",
            Self::Refused(_) => "the server refused it",
            Self::Unconfirmed => "the session ended before the answer came",
            Self::Expired => "its time to live passed before it could be sent",
            Self::Closed => "the client has ended",
        }
    }
}

impl SignalErrorCause {
    const fn text(self) -> &'static str {
        match self {
            Self::NotConnected => "there is no connection",
            Self::Full => "too much waits to be sent",
        }
    }
}

macro_rules! display {
    ($($error:ident: $this:ident => $text:expr;)*) => {$(
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $this = self;
                f.write_str($text)
            }
        }
        impl Error for $error {}
    )*};
}

display! {
    ConnectError: it => it.text();
    SubscribeError: it => it.text();
    PublishErrorCause: it => it.text();
    PublishError: it => it.cause.text();
    SignalErrorCause: it => it.text();
    SignalError: it => it.cause.text();
}
