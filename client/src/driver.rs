//! The one loop, of the browser's client and of the native one: what happened goes into the machine, and what it wants is
//! done.

use core::fmt;
use std::sync::Arc;

use tidewire_protocol::{
    Instant,
    client::{Attempt, Client as Machine, Input, Output, Settings, TransportKind},
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
#[cfg(target_arch = "wasm32")]
use crate::{life::Life, options::Persist, store::Store};

/// One client, as its handles, its timer and its transport hold it.
pub(crate) struct Shared<S> {
    session: Lock<Session<S>>,
    pub(crate) clock: Clock,
    endpoint: Endpoint,
    pub(crate) alarm: Alarm,
    #[cfg(target_arch = "wasm32")]
    pub(crate) store: Option<Store>,
    #[cfg(target_arch = "wasm32")]
    _life: Life,
}

impl<S: Sink> Shared<S> {
    /// A client that tries to connect.
    pub(crate) fn connect(url: &str, options: &ClientOptions, sink: S) -> Result<Arc<Self>, ConnectError> {
        let endpoint = Endpoint::new(url)?;
        let clock = Clock::start();
        let mut kinds = options.transports.iter();
        let begin_with = kinds.position(|kind| Some(*kind) == options.begin_with);
        let settings = Settings {
            begin_with: begin_with.unwrap_or(0),
            transports: options.transports.clone(),
            climb_after: options.climb_after,
            connect_timeout: options.connect_timeout,
            backoff: options.backoff,
            outbox: options.outbox,
            ..Settings::default()
        };
        let machine = Machine::new(clock.now(), settings, seed());
        let session = Lock::new(Session::new(machine, sink, options));
        let shared = Arc::new_cyclic(|shared| Self {
            session,
            endpoint,
            alarm: Alarm::new(shared.clone(), &clock),
            clock,
            #[cfg(target_arch = "wasm32")]
            store: (options.persist == Persist::Tab).then(|| Store::new(url)),
            #[cfg(target_arch = "wasm32")]
            _life: Life::new(shared.clone()),
        });
        #[cfg(target_arch = "wasm32")]
        shared.begin();
        shared.turn(Input::Connect);
        let refusal = shared.lock().refusal.take();
        match refusal {
            None => Ok(shared),
            Some(refusal) => {
                shared.turn(Input::Close);
                Err(refusal)
            }
        }
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

    /// Drops the transport, and has the machine wait until [`join`](Self::join). May be called from anywhere but under
    /// the lock.
    pub(crate) fn cut(self: &Arc<Self>) {
        self.lock().is_cut = true;
        self.turn(Input::Offline);
        loop {
            let Some(attempt) = self.lock().drop_transport() else {
                return;
            };
            self.turn(Input::Lost(attempt, None));
        }
    }

    /// Ends a [`cut`](Self::cut).
    pub(crate) fn join(self: &Arc<Self>) {
        self.lock().is_cut = false;
        self.turn(Input::Online);
    }

    /// Has a kind of transport fail as if the network did not let it through, or no longer. What is open of it is dropped, and the
    /// machine is told no more than that. May be called from anywhere but under the lock.
    pub(crate) fn block(self: &Arc<Self>, kind: TransportKind, is_blocked: bool) {
        let mut session = self.lock();
        let was_blocked = session.is_blocked(kind);
        session.set_blocked(kind, is_blocked);
        let lost = if is_blocked {
            session.drop_transport_of(kind)
        } else {
            None
        };
        let is_cut = session.is_cut;
        drop(session);
        if let Some(attempt) = lost {
            self.turn(Input::Lost(attempt, None));
        } else if was_blocked && !is_blocked && !is_cut {
            // As when a page comes to another network.
            self.turn(Input::Online);
        }
    }

    /// Has these kinds of transport from now on. May be called from anywhere but under the lock.
    pub(crate) fn set_transports(self: &Arc<Self>, kinds: &[TransportKind]) {
        let mut effects = S::Effects::default();
        let mut session = self.lock();
        // What it has wanted so far is of the kinds that it has so far.
        self.drain(&mut session, &mut effects);
        session.machine.set_transports(self.clock.now(), kinds.to_vec());
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
        if session.is_blocked(kind) {
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

    fn drain(self: &Arc<Self>, session: &mut Session<S>, effects: &mut S::Effects) {
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
