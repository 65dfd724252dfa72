//! The sessions of each node, and how a node gets them from the engine and loses them to another.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tidewire_protocol::{
    Asked, Claim, Claimed, CloseCode, ConnectionId, Instant, MemberId, RoomName, SessionId, Sessions, Term,
    frame::Outcome, server,
};

use super::{
    Happening, World,
    engine::{Lease, MAX_UNANSWERED, fresh_session, member},
    ensure,
    model::Check,
    presence::GRACE,
    publishes::Publish,
};

/// A server, and what it alone knows.
pub(crate) struct Node {
    pub(super) down_until: Instant,
    /// Until then its clock is so far ahead that every token has expired.
    pub(super) ahead_until: Instant,
    /// Counts its lives: what was asked in an earlier one comes to nothing there.
    life: u64,
    pub(super) sessions: Sessions,
    /// What is kept of each session beside what the machine keeps.
    pub(super) kept: BTreeMap<SessionId, Kept>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) client: usize,
    pub(super) member: MemberId,
    connection: ConnectionId,
    /// The rooms that it is in, and which connection asked for each last.
    pub(super) rooms: BTreeMap<RoomName, ConnectionId>,
    /// The engine has the first of them.
    pub(super) publishing: VecDeque<Publish>,
}

/// A life of a node, and one of the engine: what is on its way between others is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lives {
    pub(super) node: usize,
    life: u64,
    pub(super) engine: u64,
}

/// A node that asks for a session for a connection.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    lives: Lives,
    connection: ConnectionId,
    asked: Asked,
    claim: Claim,
}

impl Node {
    pub(super) fn new(now: Instant, ttl: Duration) -> Self {
        Self {
            down_until: now,
            ahead_until: now,
            life: 0,
            sessions: Sessions::new(ttl, MAX_UNANSWERED, 1000),
            kept: BTreeMap::new(),
        }
    }

    /// Whether a connection has a session.
    pub(super) fn has(&self, session: SessionId, connection: ConnectionId) -> bool {
        let kept = self.kept.get(&session);
        kept.is_some_and(|kept| kept.connection == connection)
    }
}

impl World {
    pub(super) fn lives(&self, node: usize) -> Lives {
        Lives {
            node,
            life: self.nodes[node].life,
            engine: self.engine_life,
        }
    }

    pub(super) fn is_alive(&self, lives: Lives) -> bool {
        lives == self.lives(lives.node)
    }

    /// What is on its way to the engine, or from there, may be overtaken.
    pub(super) fn engine_latency(&mut self) -> Duration {
        let most = self.engine_latency.as_millis() as u64;
        self.random.millis(most / 2, most.max(1))
    }

    /// A node asks for the session that a client wants, or for a new one.
    pub(super) fn ask_for_session(&mut self, connection: ConnectionId, asked: Asked) {
        let session = asked.session;
        let fresh = fresh_session(&mut self.random);
        self.send_claim(connection, asked, session.unwrap_or(fresh), session.is_none());
    }

    fn send_claim(&mut self, connection: ConnectionId, asked: Asked, session: SessionId, begins: bool) {
        let Some(served) = self.connections.get(&connection) else {
            return;
        };
        let (node, client) = (served.node, served.client);
        let claim = Claim {
            session,
            member: member(client),
            begins,
            attempt: asked.attempt,
            answered: asked.answered,
            held: self.nodes[node].sessions.held(session),
            ttl: self.engine.session_ttl,
            max_unanswered: MAX_UNANSWERED,
        };
        let lives = self.lives(node);
        let asking = Asking {
            lives,
            connection,
            asked,
            claim,
        };
        let after = self.engine_latency();
        self.schedule(after, Happening::Claim(asking));
    }

    /// The engine is asked for a session.
    pub(super) fn on_claim(&mut self, asking: Asking) -> Check {
        let Asking {
            lives,
            connection,
            ref claim,
            ..
        } = asking;
        if lives.engine != self.engine_life {
            return Ok(());
        }
        self.try_as_stranger(lives.node, asking.asked, claim)?;
        let (claimed, lost) = self.engine.claim(self.now, claim, (lives.node, connection))?;
        if let Some(lost) = lost {
            self.model.coverage.moved_nodes += u64::from(lost.node != lives.node);
            let (after, lives) = (self.engine_latency(), self.lives(lost.node));
            self.schedule(after, Happening::Lost(lives, claim.session, lost.lease.term));
        }
        let after = self.engine_latency();
        self.schedule(after, Happening::Claimed(asking, claimed));
        Ok(())
    }

    /// Somebody who knows a session, and is not its member, does not get it, nor changes anything of it.
    fn try_as_stranger(&mut self, node: usize, asked: Asked, claim: &Claim) -> Check {
        if claim.begins || !self.random.chance(10) {
            return Ok(());
        }
        let stranger = MemberId::new("stranger").map_err(|error| error.to_string())?;
        let foreign = Claim {
            member: stranger.clone(),
            attempt: u64::MAX,
            ..claim.clone()
        };
        let (claimed, _) = self.engine.claim(self.now, &foreign, (node, NOBODY))?;
        ensure(matches!(claimed, Claimed::Foreign | Claimed::Unknown), || {
            format!("a stranger was told {claimed:?}")
        })?;
        self.model.coverage.strangers += u64::from(claimed == Claimed::Foreign);
        let asked = Asked {
            session: Some(claim.session),
            attempt: u64::MAX,
            ..asked
        };
        let sessions = &mut self.nodes[node].sessions;
        if sessions.held(claim.session).is_some() {
            let attached = sessions.attach(NOBODY, asked, claim.session, &stranger);
            ensure(attached == Err(CloseCode::UNAUTHORIZED), || {
                format!("a stranger got {attached:?}")
            })?;
        }
        Ok(())
    }

    /// A node hears what became of its claim.
    pub(super) fn on_claimed(&mut self, asking: Asking, claimed: &Claimed) -> Check {
        let Asking {
            lives,
            connection,
            asked,
            ref claim,
        } = asking;
        if lives.engine != self.engine_life {
            return Ok(());
        }
        let is_there = self.is_alive(lives) && self.connections.contains_key(&connection);
        match claimed {
            Claimed::Granted(granted) => {
                let lease = Lease {
                    session: claim.session,
                    term: granted.term,
                    attempt: claim.attempt,
                    connection,
                };
                if is_there {
                    return self.adopt(asking, lease, claimed);
                }
                self.engine.release(self.now, lease);
                Ok(())
            }
            _ if !is_there => Ok(()),
            Claimed::Foreign => Err("a client's own session is another's".into()),
            Claimed::Overtaken => self.tell_connection(connection, server::Input::Close(CloseCode::TAKEN_OVER)),
            Claimed::Unknown => {
                let fresh = fresh_session(&mut self.random);
                self.forget_session(lives.node, claim.session)?;
                self.send_claim(connection, asked, fresh, true);
                Ok(())
            }
        }
    }

    fn adopt(&mut self, asking: Asking, lease: Lease, claimed: &Claimed) -> Check {
        let (
            Asking {
                lives,
                connection,
                claim,
                asked,
            },
            Claimed::Granted(granted),
        ) = (asking, claimed)
        else {
            return Ok(());
        };
        let id = claim.session;
        self.expire_at(lives.node);
        let Some(served) = self.connections.get(&connection) else {
            return Ok(());
        };
        let (client, node) = (served.client, &mut self.nodes[lives.node]);
        let before = node.sessions.held(id);
        if claim.held == Some(granted.term) && before != claim.held {
            // The node has forgotten it meanwhile, and needs all of it.
            self.engine.release(self.now, lease);
            self.send_claim(connection, asked, id, claim.begins);
            return Ok(());
        }
        let attached = match node.sessions.adopt(connection, asked, id, &member(client), granted) {
            Ok(attached) => attached,
            Err(code) => {
                self.engine.release(self.now, lease);
                return self.tell_connection(connection, server::Input::Close(code));
            }
        };
        let kept = node.kept.entry(id).or_insert_with(|| Kept {
            client,
            member: member(client),
            connection,
            rooms: BTreeMap::new(),
            publishing: VecDeque::new(),
        });
        if before != Some(granted.term) {
            kept.publishing.clear();
            self.model.coverage.adopted += u64::from(attached.outcome == Outcome::Resumed);
        }
        kept.connection = connection;
        if let Some(served) = self.connections.get_mut(&connection) {
            served.lease = Some(lease);
        }
        self.on_attached(connection, &attached)
    }

    /// Another node has a session.
    pub(super) fn on_lost(&mut self, lives: Lives, id: SessionId, term: Term) -> Check {
        if !self.is_alive(lives) {
            return Ok(());
        }
        let node = &mut self.nodes[lives.node];
        if node.sessions.held(id) != Some(term) {
            return Ok(());
        }
        let displaced = node.sessions.lose(self.now + GRACE, id, term);
        if let Some(kept) = node.kept.get_mut(&id) {
            kept.publishing.clear();
        }
        match displaced {
            Some(connection) => {
                self.model.coverage.takeovers += 1;
                self.tell_connection(connection, server::Input::Close(CloseCode::TAKEN_OVER))
            }
            None => Ok(()),
        }
    }

    /// A session is over, and a node still has something of it.
    pub(super) fn forget_session(&mut self, node: usize, id: SessionId) -> Check {
        self.nodes[node].sessions.forget(id);
        let connection = self.nodes[node].kept.get(&id).map(|kept| kept.connection);
        self.exit_all(node, id);
        connection.map_or(Ok(()), |connection| {
            self.tell_connection(connection, server::Input::Close(CloseCode::TRY_AGAIN_LATER))
        })
    }

    /// A client ended its session.
    pub(super) fn end_session(&mut self, node: usize, id: SessionId, connection: ConnectionId) {
        let term = self.nodes[node].sessions.held(id);
        if self.nodes[node].sessions.end(id, connection) {
            self.model.coverage.ended += 1;
            self.exit_all(node, id);
            if let Some(term) = term {
                let (after, life) = (self.engine_latency(), self.engine_life);
                self.schedule(after, Happening::EndSession(life, id, term));
            }
        }
    }

    /// A node forgets the sessions of which it needs nothing any more.
    pub(super) fn expire_at(&mut self, node: usize) {
        for id in self.nodes[node].sessions.expire(self.now) {
            self.exit_all(node, id);
        }
    }

    /// A node begins anew, and knows nothing.
    pub(super) fn forget_all_at(&mut self, node: usize) {
        let ids: Vec<SessionId> = self.nodes[node].kept.keys().copied().collect();
        ids.into_iter().for_each(|id| self.exit_all(node, id));
        let (down_until, life) = (self.nodes[node].down_until, self.nodes[node].life + 1);
        self.nodes[node] = Node {
            down_until,
            life,
            ..Node::new(self.now, self.engine.session_ttl)
        };
    }
}

/// A connection that nobody has.
const NOBODY: ConnectionId = ConnectionId(u64::MAX);
