//! Which number stands for which kind of frame: from `0x01` for both sides, `0x10` for clients, `0x40` for servers.

pub(super) const PING: u8 = 0x01;
pub(super) const PONG: u8 = 0x02;
pub(super) const CLOSE: u8 = 0x03;

pub(super) const HELLO: u8 = 0x10;
pub(super) const AUTHENTICATE: u8 = 0x11;
pub(super) const SUBSCRIBE: u8 = 0x12;
pub(super) const UNSUBSCRIBE: u8 = 0x13;
pub(super) const PUBLISH_TEXT: u8 = 0x14;
pub(super) const PUBLISH_BINARY: u8 = 0x15;
pub(super) const SIGNAL_TEXT: u8 = 0x16;
pub(super) const SIGNAL_BINARY: u8 = 0x17;

pub(super) const WELCOME: u8 = 0x40;
pub(super) const AUTHENTICATED: u8 = 0x41;
pub(super) const SUBSCRIBED: u8 = 0x42;
pub(super) const UNSUBSCRIBED: u8 = 0x43;
pub(super) const MESSAGE_TEXT: u8 = 0x44;
pub(super) const MESSAGE_BINARY: u8 = 0x45;
pub(super) const GAP: u8 = 0x46;
pub(super) const PUBLISHED: u8 = 0x47;
pub(super) const REFUSED: u8 = 0x48;
pub(super) const SIGNALLED_TEXT: u8 = 0x49;
pub(super) const SIGNALLED_BINARY: u8 = 0x4a;
pub(super) const JOINED: u8 = 0x4b;
pub(super) const LEFT: u8 = 0x4c;
pub(super) const PRESENT: u8 = 0x4d;
pub(super) const GO_AWAY: u8 = 0x4e;
