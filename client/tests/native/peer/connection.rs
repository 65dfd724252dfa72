//! One connection of the server of the tests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tidewire_protocol::{
    Admission, CloseCode, ConnectionId, Frame as _, MemberId, OwnedPayload, Request, RoomName, Sequence, SessionId,
    Term,
    frame::{PresenceWanted, RefusalCode, ServerFrame, Start},
    server::{Action, Connection, Input, Output},
};
use tokio::{
    net::TcpStream,
    sync::mpsc::{self, UnboundedReceiver},
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use super::world::World;

/// What a connection is told from outside.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// A room it is subscribed to has news.
    News,
    /// This frame is to be sent.
    Frame(Vec<u8>),
    /// End without a word.
    Cut,
    /// Close with a code.
    Close(CloseCode),
}

struct Driver {
    id: ConnectionId,
    machine: Connection,
    /// Which the machine forgets when it closes.
    session: Option<SessionId>,
    world: Arc<Mutex<World>>,
    rooms: Vec<RoomName>,
    /// What goes into the next message.
    batch: Vec<u8>,
    closed: bool,
}

pub(super) async fn run(stream: TcpStream, world: Arc<Mutex<World>>) {
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    let (sender, mut controls) = mpsc::unbounded_channel();
    let (id, machine) = {
        let mut world = world.lock().expect("no panic");
        world.accepted += 1;
        let id = world.accepted;
        world.connections.insert(id, sender);
        world.changed();
        (ConnectionId(id), Connection::new(world.now(), world.settings))
    };
    let mut driver = Driver {
        id,
        machine,
        session: None,
        world,
        rooms: Vec::new(),
        batch: Vec::new(),
        closed: false,
    };
    driver.serve(&mut socket, &mut controls).await;
    driver.end();
}

impl Driver {
    async fn serve(&mut self, socket: &mut WebSocketStream<TcpStream>, controls: &mut UnboundedReceiver<Control>) {
        loop {
            let until = self.pump();
            if !self.batch.is_empty() {
                let batch = core::mem::take(&mut self.batch);
                if socket.send(Message::binary(batch)).await.is_err() {
                    return;
                }
            }
            if self.closed {
                let _ = socket.close(None).await;
                return;
            }
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(batch))) => self.feed(&Input::Received(&batch)),
                    Some(Ok(_)) => {}
                    _ => return,
                },
                Some(control) = controls.recv() => match control {
                    Control::News => {}
                    Control::Frame(frame) => self.batch.extend(frame),
                    Control::Cut => return,
                    Control::Close(code) => self.feed(&Input::Close(code)),
                },
                () = tokio::time::sleep(until) => self.feed(&Input::Timeout),
            }
        }
    }

    fn feed(&mut self, input: &Input<'_>) {
        let now = self.world.lock().expect("no panic").now();
        self.machine.handle_input(now, input.clone());
    }

    /// Does what the machine wants and gathers what is to be sent; says how long it may wait.
    fn pump(&mut self) -> Duration {
        loop {
            match self.machine.poll_output() {
                Output::Send(batch) => self.batch.extend(batch),
                Output::Do(action) => self.perform(action),
                // Nobody counts here.
                Output::Told(_) => {}
                Output::Timeout(at) => {
                    if !self.read_rooms() {
                        let now = self.world.lock().expect("no panic").now();
                        return at
                            .map_or(Duration::MAX, |at| at.since(now))
                            .min(Duration::from_secs(3600));
                    }
                }
                output => panic!("{output:?}"),
            }
        }
    }

    fn read_rooms(&mut self) -> bool {
        let world = self.world.clone();
        let mut world = world.lock().expect("no panic");
        let before = self.batch.len();
        for room in &self.rooms {
            let frames = self.machine.poll_room(&mut world.room(room).log, MAX_READ_BYTES);
            let chunks: Vec<_> = frames.chunks().collect();
            // A gap goes before what follows it.
            take_batches(&mut self.machine, &mut self.batch);
            chunks.iter().for_each(|chunk| self.batch.extend_from_slice(chunk));
        }
        self.batch.len() > before
    }

    fn perform(&mut self, action: Action) {
        let world = self.world.clone();
        let mut world = world.lock().expect("no panic");
        let world = &mut *world;
        match action {
            Action::Attach { asked, token } => {
                let checked = world.check_token(self.id.0, &token);
                self.attach(world, asked, checked);
            }
            Action::Authenticate { token } => {
                let now = world.now();
                let input = match world.check_token(self.id.0, &token) {
                    Ok(life) => Input::Authenticated(life),
                    Err(code) => Input::Close(code),
                };
                self.machine.handle_input(now, input);
            }
            Action::Subscribe {
                request,
                room,
                start,
                presence,
            } => self.subscribe(world, request, room, start, presence != PresenceWanted::Nothing),
            Action::Unsubscribe { room } => {
                self.rooms.retain(|subscribed| *subscribed != room);
                world.leave(self.id.0, &room);
                world.changed();
            }
            Action::Publish {
                sequence,
                room,
                payload,
            } => self.publish(world, sequence, &room, payload),
            Action::Signal { room, payload } => {
                let number = world.room(&room).log.room();
                let member = self.member(world);
                let frame = ServerFrame::Signal {
                    room: number,
                    sender: member.as_str(),
                    payload: payload.as_payload(),
                };
                let mut bytes = Vec::new();
                frame.encode(&mut bytes);
                world.tell_room(&room, |id| (id != self.id.0).then(|| Control::Frame(bytes.clone())));
            }
            Action::End => {
                if let Some(session) = self.session {
                    world.sessions.end(session, self.id);
                }
            }
            Action::Close(_) => self.closed = true,
            action => panic!("{action:?}"),
        }
    }

    fn attach(&mut self, world: &mut World, asked: tidewire_protocol::Asked, checked: Result<Duration, CloseCode>) {
        let now = world.now();
        let token_life = match checked {
            Ok(life) => life,
            Err(code) => return self.machine.handle_input(now, Input::Close(code)),
        };
        let fresh = SessionId(u128::from(self.id.0 + 1000).to_be_bytes());
        let known = asked
            .session
            .and_then(|session| world.sessions.member(session))
            .cloned();
        let member = known.unwrap_or_else(|| MemberId::new(&format!("member-{}", self.id.0)).expect("a name"));
        let attached = world.sessions.attach(self.id, asked, fresh, &member);
        let attached = attached.expect("room for a session");
        self.session = Some(attached.session);
        if let Some(displaced) = attached.displaced.and_then(|id| world.connections.get(&id.0)) {
            let _ = displaced.send(Control::Close(CloseCode::TAKEN_OVER));
        }
        self.machine.handle_input(now, Input::Attached(&attached, token_life));
    }

    fn subscribe(&mut self, world: &mut World, request: Request, name: RoomName, start: Start, presence: bool) {
        let now = world.now();
        if let Some(code) = world.refuses {
            return self.machine.handle_input(now, Input::Subscribed(request, Err(code)));
        }
        let member = self.member(world);
        let room = world.room(&name);
        let opened = (room.log.room(), room.log.cursor(start));
        room.subscribers.insert(self.id.0);
        room.subscribed += 1;
        self.machine.handle_input(now, Input::Subscribed(request, Ok(opened)));
        if presence {
            room.present.insert(self.id.0, member.clone());
            let members: Vec<_> = room.present.values().map(MemberId::as_str).collect();
            take_batches(&mut self.machine, &mut self.batch);
            super::world::put_present(&mut self.batch, opened.0, &members);
            world.tell_presence(&name, self.id.0, true, &member);
        }
        self.rooms.push(name);
        world.changed();
    }

    fn publish(
        &mut self,
        world: &mut World,
        sequence: Sequence,
        room: &RoomName,
        payload: Result<OwnedPayload, RefusalCode>,
    ) {
        let Some(session) = self.session else { return };
        let payload = world.refuses.map_or(payload, Err);
        let answer = match world.sessions.admit(session, self.id, sequence) {
            Some(Admission::New) => match payload {
                Ok(payload) => {
                    let member = self.member(world);
                    Ok(world.append(room, member.as_str(), payload.as_payload()))
                }
                Err(code) => Err(code),
            },
            Some(Admission::Answered(answer)) => answer,
            admission => panic!("{admission:?}"),
        };
        world.sessions.settle(session, Term::default(), sequence, answer);
        world.changed();
        if world.answers {
            let now = world.now();
            self.machine.handle_input(now, Input::Answered(sequence, answer));
        }
    }

    fn member(&self, world: &World) -> MemberId {
        let session = self.session.and_then(|session| world.sessions.member(session));
        session
            .cloned()
            .unwrap_or_else(|| MemberId::new("gone").expect("a name"))
    }

    fn end(self) {
        let mut world = self.world.lock().expect("no panic");
        let now = world.now();
        world.connections.remove(&self.id.0);
        for room in &self.rooms {
            world.leave(self.id.0, room);
        }
        if let Some(session) = self.session {
            world.sessions.detach(now, session, self.id);
        }
        world.changed();
    }
}

/// Takes what is to be sent before anything else.
fn take_batches(machine: &mut Connection, batch: &mut Vec<u8>) {
    loop {
        match machine.poll_output() {
            Output::Send(more) => batch.extend(more),
            Output::Told(_) => {}
            _ => return,
        }
    }
}

const MAX_READ_BYTES: usize = 64 << 10;
