//! Publishes on their way to the engine: a session's one after another, now and then asked for twice.

use tidewire_protocol::{
    Admission, Answer, Checked, ConnectionId, OwnedPayload, RoomName, Sequence, SessionId, Term, frame::RefusalCode,
    server,
};

use super::{Happening, World, model::Check, sessions::Lives};

/// A publish on its way to the engine.
#[derive(Clone, Debug)]
pub(crate) struct Publish {
    pub(super) session: SessionId,
    pub(super) term: Term,
    pub(super) sequence: Sequence,
    pub(super) client: usize,
    pub(super) room: RoomName,
    payload: Result<OwnedPayload, RefusalCode>,
}

/// What the engine tells a node of a publish.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Answer(Answer),
    Superseded,
    /// Nobody knows, as the session is over.
    Unknown,
}

impl World {
    /// A publish arrived on a connection that had this session.
    pub(super) fn admit(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        sequence: Sequence,
        room: RoomName,
        payload: Result<OwnedPayload, RefusalCode>,
    ) -> Check {
        let Some(served) = self.connections.get(&id) else {
            return Ok(());
        };
        let (client, index) = (served.client, served.node);
        let node = &mut self.nodes[index];
        match node.sessions.admit(session, id, sequence) {
            Some(Admission::New) => {
                let (Some(term), Some(kept)) = (node.sessions.held(session), node.kept.get_mut(&session)) else {
                    return Err("a publish of no session".into());
                };
                kept.publishing.push_back(Publish {
                    session,
                    term,
                    sequence,
                    client,
                    room,
                    payload,
                });
                if kept.publishing.len() == 1 {
                    self.send_next(index, session);
                }
                Ok(())
            }
            Some(Admission::Pending) => {
                self.model.coverage.duplicates += 1;
                Ok(())
            }
            Some(Admission::Answered(answer)) => {
                self.model.coverage.duplicates += 1;
                self.tell_connection(id, server::Input::Answered(sequence, answer))
            }
            Some(Admission::Violation) => Err(format!("client {client} broke the order with {sequence:?}")),
            // The session is another connection's now, or is gone.
            None => Ok(()),
        }
    }

    /// Asks the engine for the first of a session's publishes; sometimes twice, where nobody knows what became of that.
    fn send_next(&mut self, node: usize, session: SessionId) {
        let first = self.nodes[node].kept.get(&session).and_then(|it| it.publishing.front());
        let Some(publish) = first.cloned() else { return };
        let lives = self.lives(node);
        if self.random.chance(5) {
            let after = self.random.millis(0, 5000);
            self.schedule(after, Happening::Append(lives, publish.clone()));
        }
        let after = self.engine_latency();
        self.schedule(after, Happening::Append(lives, publish));
    }

    /// The engine is asked to accept a publish.
    pub(super) fn on_append(&mut self, lives: Lives, publish: Publish) -> Check {
        if lives.engine != self.engine_life {
            return Ok(());
        }
        let told = match (self.engine.check(&publish), &publish.payload) {
            (Checked::Superseded, _) => {
                self.model.coverage.superseded += 1;
                Told::Superseded
            }
            (Checked::Unknown, _) => Told::Unknown,
            (Checked::Accepted(position), _) => {
                self.model.coverage.asked_again += 1;
                Told::Answer(Ok(position))
            }
            (Checked::New, Err(code)) => Told::Answer(Err(*code)),
            (Checked::New, Ok(payload)) => {
                let (engine, random, model) = (&mut self.engine, &mut self.random, &mut self.model);
                Told::Answer(engine.append(self.now, &publish, payload.as_payload(), random, model)?)
            }
        };
        let after = self.engine_latency();
        self.schedule(after, Happening::Answered(lives, publish, told));
        self.pump_all()
    }

    /// A node hears what became of a publish.
    pub(super) fn on_answered(&mut self, lives: Lives, publish: &Publish, told: Told) -> Check {
        let Publish {
            session,
            term,
            sequence,
            ..
        } = *publish;
        if !self.is_alive(lives) || self.nodes[lives.node].sessions.held(session) != Some(term) {
            return Ok(());
        }
        let kept = self.nodes[lives.node].kept.get(&session);
        let first = kept.and_then(|kept| kept.publishing.front());
        if first.is_none_or(|first| first.sequence != sequence) {
            // It was asked twice, and has heard already.
            return Ok(());
        }
        let answer = match told {
            Told::Answer(answer) => answer,
            Told::Superseded => return self.on_lost(lives, session, term),
            Told::Unknown => return self.forget_session(lives.node, session),
        };
        let node = &mut self.nodes[lives.node];
        let Some(kept) = node.kept.get_mut(&session) else {
            return Ok(());
        };
        kept.publishing.pop_front();
        let to = node.sessions.settle(session, term, sequence, answer);
        self.send_next(lives.node, session);
        match to {
            Some(connection) => self.tell_connection(connection, server::Input::Answered(sequence, answer)),
            None => Ok(()),
        }
    }
}
