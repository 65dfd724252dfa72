//! The one loop, of the browser's client and of the native one: what happened goes into the machine, and what it wants is
//! done.

use core::fmt;
use std::sync::Arc;

use tidewire_protocol::{
    Instant,
    client::{Attempt, Client as Machine, Input, Output, Settings},
};

use crate::{
    alarm::{Alarm, Clock, seed},
    error::ConnectError,
    lock::{Guard, Lock},
    options::ClientOptions,
    session::Session,
    sink::Sink,
    transport::{Endpoint, Transport},
};

/// One client, as its handles, its timer and its transport hold it.
pub(crate) struct Shared<S> {
    session: Lock<Session<S>>,
    pub(crate) clock: Clock,
    endpoint: Endpoint,
    pub(crate) alarm: Alarm,
}

impl<S: Sink> Shared<S> {
    /// A client that does nothing yet.
    pub(crate) fn new(endpoint: Endpoint, options: &ClientOptions, sink: S) -> Arc<Self> {
        let clock = Clock::start();
        let mut kinds = options.transports.iter();
        let begin_with = kinds.position(|kind| Some(*kind) == options.begin_with);
        let settings = Settings {
            begin_with: begin_with.unwrap_or(0),
            transports: options.transports.clone(),
            climb_after: options.climb_after,
            token_timeout: options.token_timeout(),
            connect_timeout: options.connect_timeout,
            backoff: options.backoff,
            outbox: options.outbox,
            ..Settings::default()
        };
        let machine = Machine::new(clock.now(), settings, seed());
        let session = Lock::new(Session::new(machine, sink, options));
        Arc::new_cyclic(|shared| Self {
            session,
            alarm: Alarm::new(&endpoint, shared.clone(), &clock),
            endpoint,
            clock,
        })
    }

    /// Tries to connect, and from now on whenever it is not connected.
    pub(crate) fn connect(self: &Arc<Self>) -> Result<(), ConnectError> {
        self.turn(Input::Connect);
        let refusal = self.lock().refusal.take();
        refusal.map_or(Ok(()), |refusal| {
            self.turn(Input::Close);
            Err(refusal)
        })
    }

    /// Takes what happened, and does what follows from it. May be called from anywhere but under the lock.
    pub(crate) fn turn(self: &Arc<Self>, input: Input<'_>) {
        let mut effects = S::Effects::default();
        let mut session = self.lock();
        session.is_scheduled = false;
        if let Input::Lost(attempt, _) = input {
            drop(session.take_transport(attempt));
        }
        let now = self.clock.now();
        session.machine.handle_input(now, input);
        if self.alarm.has_jumped(&self.clock) {
            session.machine.handle_input(now, Input::Wake);
        }
        self.drain(&mut session, &mut effects);
        drop(session);
        S::tell(self, effects);
    }

    /// What the handles use. A turn follows soon, for what they have asked of the machine.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Session<S>, Instant) -> T) -> T {
        let mut session = self.lock();
        let result = act(&mut session, self.clock.now());
        if !session.is_scheduled {
            session.is_scheduled = true;
            self.alarm.soon();
        }
        result
    }

    pub(crate) fn lock(&self) -> Guard<'_, Session<S>> {
        self.session.lock()
    }

    /// Gives a transport up, or one that could not be tried.
    fn lose(&self, session: &mut Session<S>, attempt: Attempt) {
        drop(session.take_transport(attempt));
        session
            .machine
            .handle_input(self.clock.now(), Input::Lost(attempt, None));
    }

    fn open(self: &Arc<Self>, session: &mut Session<S>, attempt: Attempt, index: usize) {
        let kind = session.machine.kind(index);
        if session.sink.is_blocked(kind) {
            return self.lose(session, attempt);
        }
        match Transport::open(&self.endpoint, kind, attempt, Arc::downgrade(self)) {
            Ok(transport) => session.put_transport(kind, attempt, transport),
            Err(refusal) => {
                session.refusal = Some(refusal);
                self.lose(session, attempt);
            }
        }
    }

    pub(crate) fn drain(self: &Arc<Self>, session: &mut Session<S>, effects: &mut S::Effects) {
        loop {
            match session.machine.poll_output() {
                Output::Event(event) => session.sink.take(event, effects),
                Output::Send(attempt, batch) => {
                    let is_last = session.is_closed();
                    match session.transport(attempt) {
                        Some(transport) if is_last => transport.send_farewell(batch),
                        Some(transport) => transport.send(batch),
                        None => {}
                    }
                    if session.is_overdue() {
                        self.lose(session, attempt);
                    }
                }
                Output::Connect(attempt, index) => self.open(session, attempt, index),
                Output::Disconnect(attempt) => {
                    session.farewell = session.take_transport(attempt).map(Transport::leave);
                }
                // The program does not take its events: the server's log is to keep what follows.
                Output::Timeout(at) => match session.sink.next_full() {
                    Some(id) => session.machine.pause(self.clock.now(), id),
                    None => return self.alarm.set(self.clock.now(), at),
                },
                _ => {}
            }
        }
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
