//! What both ends of Tidewire agree on: no I/O, no clock, no randomness, no tasks.
//!
//! `docs/PROTOCOL.md` defines the wire. [`frame`] has its frames, [`Frame::encode`] and [`decode`] turn them into bytes
//! and back, [`Log`] keeps a room's recent messages as encoded frames, and [`CloseCode`] says why a connection ended.
//!
//! ```
//! use tidewire_protocol::{Frame, Sequence, decode, frame::{ClientFrame, Payload, Publish}};
//!
//! let publish = Publish { sequence: Sequence(1), room: "lobby", payload: Payload::Text("hello") };
//! let mut batch = Vec::new();
//! ClientFrame::Publish(publish).encode(&mut batch);
//! assert_eq!(decode(&batch).collect::<Vec<_>>(), [Ok(ClientFrame::Publish(publish))]);
//! ```

#![forbid(unsafe_code)]

mod backoff;
pub mod client;
mod codec;
mod codes;
mod error;
pub mod frame;
mod ids;
mod ledger;
mod log;
mod payload;
mod presence;
mod register;
pub mod server;
mod sessions;
mod time;
mod transients;
mod wire;

pub use backoff::BackoffSettings;
pub use codec::{Body, Frame, decode};
pub use codes::{CloseCode, Reconnect};
pub use error::{DecodeError, Rule};
pub use ids::{
    Epoch, MAX_MEMBER_BYTES, MAX_ROOM_BYTES, MemberId, NameError, Offset, Position, Request, RoomName, RoomNumber,
    Sequence, SessionId,
};
pub use ledger::{Admission, Answer, Ledger};
pub use log::{CHUNK_BYTES, Cursor, FRAME_OVERHEAD, Frames, Log, Retention};
pub use payload::OwnedPayload;
pub use presence::{Presence, PresenceDigest};
pub use register::{Checked, Claim, Claimed, Granted, Register, Term};
pub use sessions::{Asked, Attached, ConnectionId, Sessions};
pub use time::Instant;
pub use transients::{Transient, TransientCursor, TransientKind, TransientLimits, Transients};
pub use wire::{Members, MembersIter};
