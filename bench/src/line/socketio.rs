//! Socket.IO over Engine.IO's WebSocket transport: [Engine.IO](https://socket.io/docs/v4/engine-io-protocol/) packets in
//! text, one a WebSocket message, and in them [Socket.IO](https://socket.io/docs/v4/socket-io-protocol/) packets.

use anyhow::{Result, bail};

use super::dialect::{Heard, Purpose, chat};
use crate::frame::{self, Message};

/// Where the server is, by default.
pub(super) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// The event that carries what is said.
pub(super) fn event(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Echo => "echo",
        Purpose::Receive | Purpose::Send => "message",
    }
}

/// Says `payload`, which must need no escapes in JSON.
pub(super) fn put(out: &mut Vec<u8>, event: &str, payload: &[u8]) {
    let packet = [b"42[\"", event.as_bytes(), b"\",\"", payload, b"\"]"].concat();
    frame::put(out, Message::Text(&packet));
}

/// What a packet means, if it means anything to us; what it asks for goes to `out`.
pub(super) fn hear<'a>(packet: &'a [u8], out: &mut Vec<u8>) -> Result<Option<Heard<'a>>> {
    if let Some(text) = argument(packet, b"42[\"message\",\"") {
        return Ok(Some(chat(text)?));
    }
    if let Some(text) = argument(packet, b"42[\"echo\",\"") {
        return Ok(Some(Heard::Answer(text)));
    }
    match packet {
        // Opened; now the main namespace is to be joined.
        [b'0', b'{', ..] => frame::put(out, Message::Text(b"40")),
        // A ping.
        b"2" => frame::put(out, Message::Text(b"3")),
        // It was joined.
        [b'4', b'0', b'{', ..] => {}
        _ => bail!("an unexpected packet of {} bytes", packet.len()),
    }
    Ok(None)
}

fn argument<'a>(packet: &'a [u8], head: &[u8]) -> Option<&'a [u8]> {
    packet.strip_prefix(head)?.strip_suffix(b"\"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_joined_heard_and_answered() {
        let mut out = Vec::new();
        let asked_for = |out: &mut Vec<u8>| std::mem::take(out).len();
        assert_eq!(hear(b"0{\"sid\":\"a\"}", &mut out).expect("known"), None);
        assert_eq!(asked_for(&mut out), 6 + 2);
        assert_eq!(hear(b"40{\"sid\":\"b\"}", &mut out).expect("known"), None);
        assert_eq!(asked_for(&mut out), 0);
        let heard = hear(b"42[\"message\",\"Broadcast: x\"]", &mut out).expect("known");
        assert_eq!(heard, Some(Heard::Broadcast(b"x")));
        let heard = hear(b"42[\"echo\",\"x\"]", &mut out).expect("known");
        assert_eq!(heard, Some(Heard::Answer(b"x")));
        assert_eq!(hear(b"2", &mut out).expect("known"), None);
        assert_eq!(asked_for(&mut out), 6 + 1);
        assert!(hear(b"41", &mut out).is_err());
    }
}
