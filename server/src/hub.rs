//! What all connections of a server share: its rooms, its sessions, and the way a message takes to the engine.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc, Once, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tidewire_protocol::{
    Answer, ConnectionId, MemberId, OwnedPayload, Position, RoomName, Sequence, SessionId, Term, frame::RefusalCode,
};
use tokio::time::{Instant, interval, sleep_until, timeout_at};
use tracing::{debug, warn};

use crate::{
    access::{Access, Allowed, Decider, Guests, Pass, Publishing},
    api::ApiKeys,
    clock::Clock,
    engine::{Append, AppendError, Engine, Origin},
    limits::{Address, Gate, LOOK_INTERVAL, Throttle},
    metrics::{Metrics, PublishResult},
    peer::Peer,
    publishes::{self, Admitted, Next, Publish, Settled, Verdict},
    rooms::Rooms,
    sessions::Sessions,
    settings::Settings,
};

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Settings,
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) decider: Decider,
    pub(crate) guests: Arc<Guests>,
    /// With which `/api` may be used.
    pub(crate) api_keys: ApiKeys,
    connections: AtomicU64,
    sweeping: Once,
}

/// A message that is to be published.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) origin: Origin,
    pub(crate) sender: Option<&'a MemberId>,
    pub(crate) payload: &'a OwnedPayload,
    /// Under which term the server has the session it comes from.
    pub(crate) term: Term,
    /// Where it comes from, if from outside.
    pub(crate) address: Option<&'a Arc<Address>>,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Refused(RefusalCode),
    /// Nobody can say whether it was.
    Unknown,
    /// Another server has its session.
    Superseded,
}

impl Hub {
    pub(crate) fn new(settings: Settings, engine: Arc<dyn Engine>, access: Arc<dyn Access>, api_keys: ApiKeys) -> Self {
        let clock = Clock::new();
        let gate = Gate::new(&settings.limits, clock);
        let metrics = Arc::new(Metrics::new(clock));
        Self {
            clock,
            rooms: Rooms::new(engine, clock, &settings),
            sessions: Sessions::new(clock, &settings, Arc::clone(gate.session_rates())),
            gate,
            decider: Decider::new(access, &settings, Arc::clone(&metrics)),
            guests: Arc::default(),
            settings,
            metrics,
            api_keys,
            connections: AtomicU64::new(0),
            sweeping: Once::new(),
        }
    }

    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// What holds a connection that is all there is of a session to its rates.
    pub(crate) fn throttle(&self, peer: &Peer) -> Throttle {
        Throttle::of_connection(self.gate.address(peer.address), self.gate.session_rates())
    }

    /// Looks after what ends by itself, from the first call to the end of the server. Needs a tokio runtime.
    pub(crate) fn start_sweeping(self: &Arc<Self>) {
        self.sweeping.call_once(|| {
            let hub = Arc::downgrade(self);
            tokio::spawn(Metrics::watch_stalls(Weak::clone(&hub)));
            tokio::spawn(async move {
                let mut ticks = interval(SWEEP_INTERVAL);
                loop {
                    ticks.tick().await;
                    let Some(hub) = hub.upgrade() else { return };
                    hub.sessions.expire();
                    hub.rooms.sweep();
                }
            });
            self.watch_memory();
        });
    }

    /// Has logs give way while the process has too much memory.
    fn watch_memory(self: &Arc<Self>) {
        if !self.gate.memory().is_bounded() {
            return;
        }
        let hub = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = interval(LOOK_INTERVAL);
            loop {
                ticks.tick().await;
                let Some(hub) = hub.upgrade() else { return };
                match hub.gate.look_at_memory(hub.rooms.log_bytes()) {
                    0 => {}
                    bytes => hub.rooms.give_back(bytes),
                }
            }
        });
    }

    /// Publishes what came from outside, if it may be: for a session with this pass, or for another program.
    pub(crate) async fn publish_for_others(
        &self,
        pass: Option<&Pass>,
        message: Message<'_>,
    ) -> Result<Position, Failure> {
        let publishing = Publishing {
            pass,
            member: message.sender,
            room: message.room,
            payload: message.payload.as_payload(),
        };
        let allowed = self.decider.publish(publishing).await.map_err(Failure::Refused)?;
        let Allowed::Instead(payload) = allowed else {
            return self.publish(message).await;
        };
        if payload.as_payload().len() > self.settings.max_payload_bytes as usize {
            return Err(Failure::Refused(RefusalCode::PAYLOAD_TOO_BIG));
        }
        self.publish(Message {
            payload: &payload,
            ..message
        })
        .await
    }

    /// Publishes a message: asks the engine until it knows, but not for longer than it may take.
    pub(crate) async fn publish(&self, message: Message<'_>) -> Result<Position, Failure> {
        let published = self.ask_engine(message).await;
        self.metrics.on_published(match published {
            Ok(_) => PublishResult::Accepted,
            Err(Failure::Refused(_)) => PublishResult::Refused,
            Err(Failure::Unknown | Failure::Superseded) => PublishResult::Unknown,
        });
        published
    }

    async fn ask_engine(&self, message: Message<'_>) -> Result<Position, Failure> {
        // A session's was admitted, and is known to be under way.
        let _under_way = match message.origin {
            Origin::Session(..) => None,
            _ => Some(
                self.sessions
                    .begin_publish()
                    .ok_or(Failure::Refused(RefusalCode::UNAVAILABLE))?,
            ),
        };
        let opened = self.rooms.open(message.room, message.address).wait().await;
        // Held until the engine has answered: a room that nobody holds may be retired.
        let room = opened.map_err(Failure::Refused)?;
        let epoch = room.head().epoch;
        let mut append = Append {
            room: message.room,
            origin: &message.origin,
            sender: message.sender,
            payload: message.payload.as_payload(),
            epoch: None,
            term: message.term,
        };
        // An engine that answers at once needs no clock.
        let mut appending = self.rooms.engine().append(append);
        let mut answer = match poll_fn(|cx| Poll::Ready(appending.as_mut().poll(cx))).await {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Err(appending),
        };
        let deadline = match answer {
            Ok(Ok(position)) => return Ok(position),
            _ => Instant::now() + self.settings.engine_timeout,
        };
        let mut pause = RETRY_PAUSE;
        loop {
            let answered = match answer {
                Ok(answered) => answered,
                Err(appending) => {
                    let answered = timeout_at(deadline, appending).await;
                    answered.map_err(|_| Failure::Unknown)?
                }
            };
            match answered {
                Ok(position) => return Ok(position),
                Err(AppendError::Refused(code)) => return Err(Failure::Refused(code)),
                Err(AppendError::Unavailable) if append.epoch.is_none() => {
                    return Err(Failure::Refused(RefusalCode::UNAVAILABLE));
                }
                Err(AppendError::Lost) => return Err(Failure::Unknown),
                Err(AppendError::Superseded) => return Err(Failure::Superseded),
                // It may be there since the first time, even where it is not available now.
                Err(AppendError::Unavailable | AppendError::Unknown) => append.epoch = Some(epoch),
            }
            let again_at = Instant::now() + pause;
            if again_at >= deadline || message.origin == Origin::None {
                return Err(Failure::Unknown);
            }
            sleep_until(again_at).await;
            pause *= 2;
            answer = Err(self.rooms.engine().append(append));
        }
    }

    /// A publish arrived on a connection.
    pub(crate) fn publish_for_session(
        self: &Arc<Self>,
        session: SessionId,
        connection: ConnectionId,
        publish: Publish,
        address: Option<&Arc<Address>>,
    ) -> Verdict {
        let publishes::Turn {
            member,
            term,
            publish,
            pass,
        } = match self.sessions.admit(session, connection, publish, address) {
            Admitted::Its(turn) => turn,
            Admitted::Not(verdict) => return verdict,
            Admitted::Again(verdict) => {
                self.metrics.on_duplicate();
                return verdict;
            }
        };
        let turn = Arc::new(Turn {
            hub: Arc::clone(self),
            session,
            term,
            member,
            address: address.cloned(),
        });
        let sequence = publish.sequence;
        let mut answering = Box::pin(Arc::clone(&turn).answer(publish, pass));
        // Where the engine answers at once, so do we.
        match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                let Some((answer, settled)) = turn.settle(sequence, answer) else {
                    return Verdict::Ignored;
                };
                if let Some(next) = settled.next {
                    tokio::spawn(turn.go_on(next));
                }
                match settled.tell {
                    Some((to, _)) if to == connection => Verdict::Answered(answer),
                    Some((_, mailbox)) => {
                        mailbox.answer(sequence, answer);
                        Verdict::Ignored
                    }
                    None => Verdict::Ignored,
                }
            }
            Poll::Pending => {
                tokio::spawn(async move {
                    let answer = answering.await;
                    if let Some(next) = turn.pass_on(sequence, answer) {
                        turn.go_on(next).await;
                    }
                });
                Verdict::Waits
            }
        }
    }
}

/// The publishes of one session, one after another: only so do they keep their order.
struct Turn {
    hub: Arc<Hub>,
    session: SessionId,
    term: Term,
    member: MemberId,
    /// From where the first of them came.
    address: Option<Arc<Address>>,
}

/// What became of a publish, but for refusals, which are answers.
type Outcome = Result<Answer, NoAnswer>;

/// Why there is no answer to a publish.
enum NoAnswer {
    /// Nobody can say what became of it.
    Unknown,
    /// Another server has its session, and answers.
    Superseded,
}

impl Turn {
    async fn answer(self: Arc<Self>, publish: Publish, pass: Arc<Pass>) -> Outcome {
        let payload = match &publish.payload {
            Ok(payload) => payload,
            Err(code) => return Ok(Err(*code)),
        };
        let message = Message {
            room: &publish.room,
            origin: Origin::Session(self.session, publish.sequence),
            sender: Some(&self.member),
            payload,
            term: self.term,
            address: self.address.as_ref(),
        };
        match self.hub.publish_for_others(Some(&pass), message).await {
            Ok(position) => Ok(Ok(position)),
            Err(Failure::Refused(code)) => Ok(Err(code)),
            Err(Failure::Unknown) => Err(NoAnswer::Unknown),
            Err(Failure::Superseded) => Err(NoAnswer::Superseded),
        }
    }

    async fn go_on(self: Arc<Self>, mut next: Next) {
        loop {
            let Next { publish, pass } = next;
            let sequence = publish.sequence;
            let answer = Arc::clone(&self).answer(publish, pass).await;
            match self.pass_on(sequence, answer) {
                Some(then) => next = then,
                None => return,
            }
        }
    }

    /// Passes an answer on, and returns the next publish.
    fn pass_on(&self, sequence: Sequence, answer: Outcome) -> Option<Next> {
        let (answer, settled) = self.settle(sequence, answer)?;
        match settled.tell {
            Some((_, mailbox)) => mailbox.answer(sequence, answer),
            None => debug!("a publish was answered while its session had no connection"),
        }
        settled.next
    }

    /// Takes an answer down, and says what follows from it. Where nobody can say it, the session ends.
    fn settle(&self, sequence: Sequence, answer: Outcome) -> Option<(Answer, Settled)> {
        let sessions = &self.hub.sessions;
        match answer {
            Ok(answer) => Some((answer, sessions.settle(self.session, self.term, sequence, answer))),
            Err(NoAnswer::Unknown) => {
                warn!("the engine does not say what became of a publish: its session ends");
                sessions.forget(self.session, self.term);
                self.hub.end_everywhere(self.session, self.term);
                None
            }
            Err(NoAnswer::Superseded) => {
                sessions.lose(self.session, self.term);
                None
            }
        }
    }
}

/// How long to wait before the engine is asked again; twice as long each time.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// How often sessions, rooms and messages are looked at for those whose time is over.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
