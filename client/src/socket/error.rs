//! One error for each thing that can be asked of a socket.

use core::error::Error;
use core::fmt;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

use super::event::{Message, ReadyState};
use super::subprotocol;
use crate::error::ConnectError;

/// Reads the exception of the browser's constructor. It has one name for both kinds of invalid input.
pub(crate) fn connect_error(exception: &JsValue, protocols: &[String]) -> ConnectError {
    if !is_syntax_error(exception) {
        ConnectError::Refused
    } else if subprotocol::are_valid(protocols) {
        ConnectError::InvalidUrl
    } else {
        ConnectError::InvalidProtocols
    }
}

fn is_syntax_error(exception: &JsValue) -> bool {
    exception
        .dyn_ref::<DomException>()
        .is_some_and(|exception| exception.code() == DomException::SYNTAX_ERR)
}

/// A message that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// The message, as it was given.
    pub message: Message,
    /// Why it was not sent.
    pub cause: SendErrorCause,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendErrorCause {
    /// The socket is in this state instead of open.
    NotOpen(ReadyState),
    /// More than [`max_buffered_bytes`](crate::SocketOptions::max_buffered_bytes) wait to be sent.
    BufferFull,
    /// The browser did not take it.
    Rejected,
}

/// Why a socket was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseError {
    /// The code is neither 1000 nor one of 3000 to 4999.
    InvalidCode,
    /// The reason is longer than 123 bytes.
    ReasonTooLong,
    /// The browser did not accept code and reason.
    Rejected,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Display for SendErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen(ReadyState::Connecting) => "the socket is not open yet",
            Self::NotOpen(_) => "the socket is no longer open",
            Self::BufferFull => "too much waits to be sent",
            Self::Rejected => "the browser did not take the message",
        })
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidCode => "the code is neither 1000 nor one of 3000 to 4999",
            Self::ReasonTooLong => "the reason is longer than 123 bytes",
            Self::Rejected => "the browser did not accept code and reason",
        })
    }
}

impl Error for SendError {}
impl Error for SendErrorCause {}
impl Error for CloseError {}
