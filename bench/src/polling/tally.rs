//! What all clients of a run have seen.

use std::{
    cell::{Cell, RefCell},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use tokio::sync::Notify;

use crate::{measure::Counters, message::Message};

/// Told by the clients, and looked at by who runs them.
pub(super) struct Tally {
    message: Message,
    joined: Cell<usize>,
    /// When each message was said.
    said: RefCell<Vec<Instant>>,
    delivered: Cell<u64>,
    answered: Cell<u64>,
    latency: RefCell<Histogram<u64>>,
    changed: Notify,
}

impl Tally {
    /// Of messages of `bytes`.
    pub(super) fn new(bytes: usize) -> Result<Self> {
        Ok(Self {
            message: Message::new(bytes),
            joined: Cell::default(),
            said: RefCell::default(),
            delivered: Cell::default(),
            answered: Cell::default(),
            latency: RefCell::new(Counters::new()?.latency),
            changed: Notify::new(),
        })
    }

    /// A client has joined.
    pub(super) fn on_joined(&self) {
        self.joined.set(self.joined.get() + 1);
        self.changed.notify_one();
    }

    /// The next message is about to be said.
    pub(super) fn on_said(&self) {
        self.said.borrow_mut().push(Instant::now());
    }

    /// A receiver got this, where message `expected` must come next.
    pub(super) fn on_delivered(&self, text: &[u8], expected: u64) -> Result<()> {
        self.message.check(text, expected)?;
        let said = self.said.borrow();
        let said = said
            .get(usize::try_from(expected)?)
            .context("a message that was not said")?;
        self.latency
            .borrow_mut()
            .saturating_record(said.elapsed().as_micros() as u64);
        self.delivered.set(self.delivered.get() + 1);
        self.changed.notify_one();
        Ok(())
    }

    /// The sender has the answer to message `number`.
    pub(super) fn on_answered(&self, number: u64) -> Result<()> {
        let expected = self.answered.get();
        ensure!(
            number == expected,
            "expected the answer to message {expected}, got {number}"
        );
        self.answered.set(expected + 1);
        self.changed.notify_one();
        Ok(())
    }

    /// Resolves once so many have joined.
    pub(super) async fn joined(&self, clients: usize) {
        while self.joined.get() < clients {
            self.changed.notified().await;
        }
    }

    /// Resolves once each of `receivers` has so many messages, and the sender as many answers.
    pub(super) async fn complete(&self, receivers: u64, messages: u64) {
        while self.delivered.get() < receivers * messages || self.answered.get() < messages {
            self.changed.notified().await;
        }
    }

    pub(super) fn check_answer(&self, text: &[u8]) -> Result<()> {
        let number = self.answered.get();
        self.message.check(text, number)?;
        self.on_answered(number)
    }

    /// The latencies since the last call.
    pub(super) fn take_latency(&self) -> Histogram<u64> {
        let mut latency = self.latency.borrow_mut();
        let taken = latency.clone();
        latency.reset();
        taken
    }

    pub(super) fn position(&self) -> String {
        format!(
            "{} joined, {} messages said, {} delivered and {} answered",
            self.joined.get(),
            self.said.borrow().len(),
            self.delivered.get(),
            self.answered.get()
        )
    }
}
