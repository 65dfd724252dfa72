//! A client of a room over `POST /poll`: the machine of this project's own clients.

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result, bail};
use tidewire_protocol::{
    Instant, OwnedPayload, RoomName,
    client::{Client, ClientState, Event, Input, Output, Settings, TransportKind},
    frame::Start,
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    task::spawn_local,
    time::{Instant as Now, sleep_until},
};

use super::{
    http::{Ask, Http},
    tally::Tally,
};
use crate::line::Purpose;

/// Polls for as long as it is let; says what it is told to.
pub(super) async fn run(
    http: Rc<Http>,
    purpose: Purpose,
    mut orders: UnboundedReceiver<String>,
    tally: Rc<Tally>,
) -> Result<()> {
    let begun = Now::now();
    let now = || Instant::new(begun.elapsed());
    let settings = Settings {
        transports: vec![TransportKind::Polls],
        ..Settings::default()
    };
    let mut machine = Client::new(now(), settings, 0);
    let room = RoomName::new("bench")?;
    if purpose == Purpose::Receive {
        let subscribed = machine.subscribe(now(), room.clone(), Start::Now, false);
        subscribed.context("not subscribed")?;
    }
    machine.handle_input(now(), Input::Connect);
    let (answer, mut answers) = mpsc::unbounded_channel();
    let mut seen = Seen {
        purpose,
        tally,
        has_joined: false,
        next: 0,
    };
    loop {
        let at = loop {
            match machine.poll_output() {
                Output::Send(attempt, batch) => {
                    let (http, answer) = (Rc::clone(&http), answer.clone());
                    // One that is overtaken is answered at once, and its connection is kept.
                    spawn_local(async move {
                        let answered = http.ask("/poll", &Ask::Post(None, &batch)).await;
                        let _ = answer.send((attempt, answered));
                    });
                }
                Output::Event(event) => seen.on_event(event)?,
                Output::Timeout(at) => break at,
                _ => {}
            }
        };
        let wait = at.map_or(Duration::MAX, |at| at.since(now())).min(LONGEST_WAIT);
        tokio::select! {
            Some((attempt, answered)) = answers.recv() => {
                machine.handle_input(now(), Input::Received(attempt, &answered?));
            }
            Some(text) = orders.recv() => {
                let published = machine.publish(now(), room.clone(), OwnedPayload::Text(text.into()), None);
                published.ok().context("the outbox is full")?;
            }
            () = sleep_until(Now::now() + wait) => machine.handle_input(now(), Input::Timeout),
        }
    }
}

struct Seen {
    purpose: Purpose,
    tally: Rc<Tally>,
    has_joined: bool,
    /// The message that must come next, or the answer.
    next: u64,
}

impl Seen {
    fn on_event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Opened { .. } if self.purpose == Purpose::Send => self.join(),
            Event::Subscribed(..) => self.join(),
            Event::Message { payload, .. } => {
                self.tally.on_delivered(payload.as_payload().as_bytes(), self.next)?;
                self.next += 1;
            }
            Event::Published(..) => {
                self.tally.on_answered(self.next)?;
                self.next += 1;
            }
            Event::Opened { .. } | Event::State(ClientState::Connecting | ClientState::Open) => {}
            other => bail!("the client says {other:?}"),
        }
        Ok(())
    }

    fn join(&mut self) {
        if !self.has_joined {
            self.has_joined = true;
            self.tally.on_joined();
        }
    }
}

const LONGEST_WAIT: Duration = Duration::from_secs(60);
