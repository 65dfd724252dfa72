//! A client of Socket.IO over Engine.IO's HTTP long-polling, as its own client polls:
//! [Engine.IO](https://socket.io/docs/v4/engine-io-protocol/) packets in a body, a record separator between two.

use std::rc::Rc;

use anyhow::{Context, Result, bail};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::spawn_local,
};

use super::{
    http::{Ask, Http},
    tally::Tally,
};
use crate::line::{Heard, Purpose, chat};

/// Polls for as long as it is let; says what it is told to.
pub(super) async fn run(
    http: Rc<Http>,
    purpose: Purpose,
    mut orders: UnboundedReceiver<String>,
    tally: Rc<Tally>,
) -> Result<()> {
    let opened = http.ask(PATH, &Ask::Get).await?;
    let target = format!("{PATH}&sid={}", session(&opened)?);
    let (packets, queue) = mpsc::unbounded_channel();
    let (fail, mut failures) = mpsc::unbounded_channel();
    // What is said while a request says something waits for its end, and goes together.
    let (saying, by) = (target.clone(), Rc::clone(&http));
    spawn_local(async move {
        let _ = fail.send(say(by, saying, queue).await);
    });
    packets.send("40".to_owned())?;
    let mut hearing = Hearing {
        purpose,
        tally,
        packets: packets.clone(),
        next: 0,
    };
    let hear = async {
        loop {
            let body = http.ask(&target, &Ask::Get).await?;
            body.split(|byte| *byte == SEPARATOR)
                .try_for_each(|packet| hearing.on_packet(packet))?;
        }
    };
    let order = async {
        while let Some(text) = orders.recv().await {
            packets.send(format!("42[\"message\",\"{text}\"]"))?;
        }
        // Who only receives is told nothing.
        std::future::pending::<Result<()>>().await
    };
    tokio::select! {
        ended = hear => ended,
        ended = order => ended,
        Some(ended) = failures.recv() => ended,
    }
}

async fn say(http: Rc<Http>, target: String, mut queue: UnboundedReceiver<String>) -> Result<()> {
    while let Some(mut body) = queue.recv().await {
        while let Ok(packet) = queue.try_recv() {
            body.push(SEPARATOR.into());
            body += &packet;
        }
        let kind = Some("text/plain;charset=UTF-8");
        let answer = http.ask(&target, &Ask::Post(kind, body.as_bytes())).await?;
        anyhow::ensure!(answer == b"ok", "a post was answered with {} bytes", answer.len());
    }
    Ok(())
}

fn session(opened: &[u8]) -> Result<String> {
    let json = opened.strip_prefix(b"0").context("not an open packet")?;
    let handshake: serde_json::Value = serde_json::from_slice(json)?;
    Ok(handshake["sid"].as_str().context("no session")?.to_owned())
}

struct Hearing {
    purpose: Purpose,
    tally: Rc<Tally>,
    packets: UnboundedSender<String>,
    next: u64,
}

impl Hearing {
    fn on_packet(&mut self, packet: &[u8]) -> Result<()> {
        let text = packet
            .strip_prefix(b"42[\"message\",\"")
            .and_then(|it| it.strip_suffix(b"\"]"));
        match (text, packet) {
            (Some(text), _) => match (chat(text)?, self.purpose) {
                (Heard::Joined, _) => self.tally.on_joined(),
                (Heard::Broadcast(text), Purpose::Receive) => {
                    self.tally.on_delivered(text, self.next)?;
                    self.next += 1;
                }
                (Heard::Answer(text), Purpose::Send) => self.tally.check_answer(text)?,
                (other, _) => bail!("the server said {other:?}"),
            },
            (None, b"2") => self.packets.send("3".to_owned())?,
            (None, [b'4', b'0', b'{', ..]) => {}
            _ => bail!("an unexpected packet of {} bytes", packet.len()),
        }
        Ok(())
    }
}

const PATH: &str = "/socket.io/?EIO=4&transport=polling";
const SEPARATOR: u8 = 0x1e;
