//! The client's machine, all of it in use.

use std::time::Duration;

use tidewire_protocol::{
    Instant, OwnedPayload, RoomName,
    client::{Attempt, Client, Input, Output, Settings, SubscriptionId},
    frame::Start,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// A client, and what came out of it.
#[wasm_bindgen]
pub struct Module {
    client: Client,
    out: Vec<u8>,
}

#[wasm_bindgen]
impl Module {
    /// A client that does nothing yet.
    #[wasm_bindgen(constructor)]
    pub fn new(now: f64, seed: u64) -> Self {
        Self {
            client: Client::new(moment(now), settings(), seed),
            out: Vec::new(),
        }
    }

    /// Tells the client something: a number says what, and of which attempt.
    pub fn tell(&mut self, now: f64, what: u8, attempt: u64, bytes: &[u8]) {
        let attempt = Attempt(attempt);
        let input = match what {
            0 => Input::Connect,
            1 => Input::Opened(attempt),
            2 => Input::Received(attempt, bytes),
            3 => Input::Lost(attempt, None),
            4 => Input::Token((!bytes.is_empty()).then(|| bytes.into())),
            5 => Input::Offline,
            6 => Input::Online,
            7 => Input::Wake,
            8 => Input::Close,
            _ => Input::Timeout,
        };
        self.client.handle_input(moment(now), input);
    }

    /// Does something with a room; says which subscription or publish it was, or 0.
    pub fn act(&mut self, now: f64, what: u8, id: u32, room: &str, bytes: &[u8]) -> u32 {
        let (now, id) = (moment(now), SubscriptionId(id));
        let Ok(room) = RoomName::new(room) else { return 0 };
        match what {
            0 => self
                .client
                .subscribe(now, room, Start::Last(8), true)
                .map_or(0, |id| id.0),
            1 => {
                let ttl = Some(Duration::from_secs(1));
                let published = self.client.publish(now, room, OwnedPayload::Binary(bytes.into()), ttl);
                published.map_or(0, |id| id.0 as u32)
            }
            2 => {
                let payload = OwnedPayload::Binary(bytes.into());
                self.client.signal(now, &room, &payload).into()
            }
            3 => self.client.ping(now).into(),
            4 => {
                self.client.unsubscribe(now, id);
                0
            }
            5 => {
                self.client.pause(now, id);
                0
            }
            _ => {
                self.client.resume(now, id);
                0
            }
        }
    }

    /// What it wants next: a number says what, [`out`](Self::out) has the bytes.
    pub fn poll(&mut self) -> u32 {
        match self.client.poll_output() {
            Output::Connect(attempt, kind) => self.put(1, attempt.0 + kind as u64, &[]),
            Output::Send(attempt, batch) => self.put(2, attempt.0, &batch),
            Output::Disconnect(attempt) => self.put(3, attempt.0, &[]),
            // What it says is in memory, for a program to look at.
            Output::Event(_) => 4,
            Output::Timeout(at) => self.put(0, at.map_or(0, |at| at.elapsed().as_millis() as u64), &[]),
            _ => 0,
        }
    }

    /// The bytes of the last output.
    pub fn out(&self) -> Vec<u8> {
        self.out.clone()
    }
}

impl Module {
    fn put(&mut self, what: u32, number: u64, bytes: &[u8]) -> u32 {
        self.out.clear();
        self.out.extend_from_slice(&number.to_le_bytes());
        self.out.extend_from_slice(bytes);
        what
    }
}

fn moment(now: f64) -> Instant {
    Instant::new(Duration::from_millis(now as u64))
}

/// With somebody to ask for a token.
fn settings() -> Settings {
    Settings {
        token_timeout: Some(Duration::from_secs(10)),
        ..Settings::default()
    }
}
