//! One side of a WebSocket over bytes in memory: [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) without I/O.
//!
//! tungstenite decodes, checks and answers control frames; here its errors become close codes, and its stream is a
//! slice of what was read and the connection's [`Outbox`].

use std::io::{self, Read, Write};

use bytes::Bytes;
use tidewire_protocol::CloseCode;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext, frame::coding::Data},
};

use crate::outbox::Outbox;

/// What the decoder keeps between reads when no message is being received. Larger messages get a buffer of their own
/// size for as long as they are incomplete.
const IDLE_BYTES: usize = 512;

/// The largest payload of a control frame, [RFC 6455 section 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5).
const MAX_CONTROL_BYTES: usize = 125;

/// The header of a control frame with its mask: [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
const CONTROL_HEADER_BYTES: usize = 2 + 4;

/// The server's side of one WebSocket.
pub(crate) struct WebSocket {
    context: WebSocketContext,
    state: State,
    controls: Controls,
}

/// ```text
/// Open ─── close() ───> ClosedByUs
///   │                       │
///   ├─ the peer's close ────┴──> Ended
///   └─ the peer's fault ─────── > Failed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Messages go both ways.
    Open,
    /// Our close frame is queued; the peer's is awaited, and its messages are ignored.
    ClosedByUs(CloseCode),
    /// Both close frames have passed: what was queued is the last there is.
    Ended(CloseCode),
    /// Our close frame says what the peer did wrong, and what it still sends has no meaning.
    Failed(CloseCode),
}

/// Pings and pongs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Controls {
    pub(crate) frames: u32,
    /// What they took with their headers.
    pub(crate) bytes: usize,
}

/// A whole message, text already checked to be UTF-8.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) kind: Data,
    pub(crate) payload: Bytes,
}

impl WebSocket {
    pub(crate) fn new(max_message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(IDLE_BYTES)
            .write_buffer_size(0)
            .max_frame_size(Some(max_message_bytes.max(MAX_CONTROL_BYTES)))
            .max_message_size(Some(max_message_bytes));
        Self {
            context: WebSocketContext::new(Role::Server, Some(config)),
            state: State::Open,
            controls: Controls::default(),
        }
    }

    /// The pings and pongs that have come since this was last asked.
    pub(crate) fn take_controls(&mut self) -> Controls {
        std::mem::take(&mut self.controls)
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Takes bytes off `input` up to the end of the next message; `None` when they do not hold a whole one.
    pub(crate) fn handle_input(&mut self, input: &mut &[u8], outbox: &mut Outbox) -> Option<Incoming> {
        loop {
            if matches!(self.state, State::Ended(_) | State::Failed(_)) {
                *input = &[];
                return None;
            }
            let is_open = self.state == State::Open;
            let incoming = match self.context.read(&mut Wire { input, outbox }) {
                Ok(Message::Text(text)) => Incoming {
                    kind: Data::Text,
                    payload: text.into(),
                },
                Ok(Message::Binary(payload)) => Incoming {
                    kind: Data::Binary,
                    payload,
                },
                Ok(Message::Close(frame)) => {
                    // tungstenite has its answer ready; writing it out ends its side.
                    let _ = self.context.flush(&mut Wire { input, outbox });
                    self.on_closed(frame.map_or(CloseCode::NO_STATUS, |frame| CloseCode(frame.code.into())));
                    continue;
                }
                Ok(control) => {
                    self.controls.frames += 1;
                    self.controls.bytes += CONTROL_HEADER_BYTES + control.len();
                    continue;
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => {
                    self.fail(fault(&error), outbox);
                    continue;
                }
            };
            if is_open {
                return Some(incoming);
            }
        }
    }

    /// Queues a close frame, if none has been sent or received yet.
    pub(crate) fn close(&mut self, code: CloseCode, outbox: &mut Outbox) {
        if self.state == State::Open {
            let frame = CloseFrame {
                code: code.0.into(),
                reason: code.meaning().into(),
            };
            // The outbox takes all, so this cannot fail.
            let _ = self.context.close(
                &mut Wire {
                    input: &mut &[][..],
                    outbox,
                },
                Some(frame),
            );
            self.state = State::ClosedByUs(code);
        }
    }

    /// The peer's close frame came; the code of who closed first stays.
    fn on_closed(&mut self, code: CloseCode) {
        self.state = match self.state {
            State::ClosedByUs(first) => State::Ended(first),
            _ => State::Ended(code),
        };
    }

    /// Queues a close frame; what the peer still sends has no meaning.
    pub(crate) fn fail(&mut self, fault: CloseCode, outbox: &mut Outbox) {
        self.close(fault, outbox);
        if let State::ClosedByUs(first) = self.state {
            self.state = State::Failed(first);
        }
    }
}

fn fault(error: &Error) -> CloseCode {
    match error {
        Error::Capacity(_) => CloseCode::MESSAGE_TOO_BIG,
        Error::Utf8(_) => CloseCode::INVALID_DATA,
        _ => CloseCode::PROTOCOL_ERROR,
    }
}

/// The stream that tungstenite reads and writes: it never blocks on writing, and runs dry on reading.
struct Wire<'a, 'b> {
    input: &'a mut &'b [u8],
    outbox: &'a mut Outbox,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            Err(io::ErrorKind::WouldBlock.into())
        } else {
            self.input.read(buffer)
        }
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
