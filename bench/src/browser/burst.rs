//! A burst of messages in a room, as fast as a server takes them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::{
    deadline::Deadline,
    line::{Dialect, Heard, Line, Purpose},
};

/// Has the server say all messages of a burst to who is in the room: those in Node do when they are asked, and to
/// Tidewire's a client publishes them.
pub(crate) fn say(server: SocketAddr, dialect: Dialect, options: &Options, deadline: &Deadline) -> Result<()> {
    match dialect {
        Dialect::Rooms => publish(server, options, deadline),
        Dialect::Plain | Dialect::SocketIo => ask(server, options, deadline),
    }
}

fn publish(server: SocketAddr, options: &Options, deadline: &Deadline) -> Result<()> {
    let mut line = Line::open(server, Dialect::Rooms, Purpose::Send, 0)?;
    let (mut sent, mut accepted, all) = (0, 0, u64::from(options.messages));
    let mut buffer = vec![0; 64 << 10];
    deadline.poll_until(Duration::from_millis(1), || {
        while u64::from(sent) < all.min(accepted + OUTSTANDING) {
            line.put(&message(FIRST + sent, options.bytes));
            sent += 1;
        }
        line.flush()?;
        line.read(&mut buffer, |heard| {
            ensure!(heard == Heard::Accepted(accepted + 1), "the server said {heard:?}");
            accepted += 1;
            Ok(())
        })?;
        Ok(accepted == all)
    })
}

/// A request of HTTP, answered when all was handed to the sockets.
fn ask(server: SocketAddr, options: &Options, deadline: &Deadline) -> Result<()> {
    let Options { messages, bytes, .. } = options;
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(deadline.left()))?;
    write!(
        stream,
        "POST /burst?messages={messages}&bytes={bytes} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("no answer")?;
    ensure!(answer.starts_with("HTTP/1.1 204 "), "it answered {answer:?}");
    Ok(())
}

/// As the peers in Node write it: `peers/burst.mjs`.
fn message(number: u32, bytes: u32) -> Vec<u8> {
    let head = format!(r#"{{"number":{number},"text":""#);
    let filling = "x".repeat((bytes as usize).saturating_sub(head.len() + TAIL.len()));
    [head.as_bytes(), filling.as_bytes(), TAIL.as_bytes()].concat()
}

/// How many publishes may wait for their answers: half of what a room keeps by default, so that no reader falls behind.
const OUTSTANDING: u64 = 500;

/// The number of the first: those of all have as many digits.
const FIRST: u32 = 1_000_000;

const TAIL: &str = r#""}"#;

/// The shortest message: one without filling.
pub(super) const MIN_BYTES: u32 = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_json_of_that_length() {
        assert_eq!(message(FIRST, 0).len(), MIN_BYTES as usize);
        let message = message(FIRST + 7, 40);
        assert_eq!(message, br#"{"number":1000007,"text":"xxxxxxxxxxxx"}"#);
    }
}
