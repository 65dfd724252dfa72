//! What the server of the tests keeps.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use tidewire_protocol::{
    CloseCode, Epoch, Frame as _, Instant, Log, MemberId, Members, Position, Retention, RoomName, RoomNumber, Sessions,
    frame::{Payload, RefusalCode, ServerFrame, Terms},
    server::Settings,
};
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::connection::Control;

pub(crate) struct World {
    pub(crate) settings: Settings,
    retention: Retention,
    pub(crate) sessions: Sessions,
    pub(crate) rooms: BTreeMap<RoomName, Room>,
    pub(crate) connections: HashMap<u64, UnboundedSender<Control>>,
    /// How many connections there have been.
    pub(crate) accepted: u64,
    pub(crate) answers: bool,
    pub(crate) welcomes: bool,
    pub(crate) refuses: Option<RefusalCode>,
    /// The tokens that were shown, each with the connection that it came by.
    pub(crate) tokens: Vec<(u64, String)>,
    pub(crate) changes: watch::Sender<()>,
    begun: tokio::time::Instant,
    epochs: u64,
}

pub(crate) struct Room {
    pub(crate) log: Log,
    /// Connections that are subscribed.
    pub(crate) subscribers: BTreeSet<u64>,
    /// Those that asked for presence, and who they are.
    pub(crate) present: BTreeMap<u64, MemberId>,
    /// How often somebody has subscribed.
    pub(crate) subscribed: usize,
}

impl World {
    pub(super) fn new(terms: Terms, retention: Retention) -> Self {
        let settings = Settings {
            terms,
            ..Settings::default()
        };
        Self {
            settings,
            retention,
            sessions: fresh_sessions(&settings),
            rooms: BTreeMap::new(),
            connections: HashMap::new(),
            accepted: 0,
            answers: true,
            welcomes: true,
            refuses: None,
            tokens: Vec::new(),
            changes: watch::Sender::new(()),
            begun: tokio::time::Instant::now(),
            epochs: 0,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::new(self.begun.elapsed() + Duration::from_secs(1))
    }

    pub(crate) fn room(&mut self, name: &RoomName) -> &mut Room {
        let number = RoomNumber(self.rooms.len() as u32 + 1);
        self.rooms.entry(name.clone()).or_insert_with(|| {
            self.epochs += 1;
            Room {
                log: Log::new(number, Epoch(self.epochs), self.retention),
                subscribers: BTreeSet::new(),
                present: BTreeMap::new(),
                subscribed: 0,
            }
        })
    }

    pub(crate) fn append(&mut self, name: &RoomName, sender: &str, payload: Payload<'_>) -> Position {
        let now = self.now();
        let position = self.room(name).log.append(now, sender, payload);
        self.tell_room(name, |_| Some(Control::News));
        position
    }

    pub(super) fn say(&mut self, room: &str, text: &str) {
        let name = RoomName::new(room).expect("a name");
        self.append(&name, "somebody", Payload::Text(text));
    }

    /// Tells the subscribers of a room something.
    pub(super) fn tell_room(&self, name: &RoomName, control: impl Fn(u64) -> Option<Control>) {
        for id in &self.rooms[name].subscribers {
            if let (Some(connection), Some(control)) = (self.connections.get(id), control(*id)) {
                let _ = connection.send(control);
            }
        }
    }

    pub(super) fn tell_all(&self, control: &Control) {
        for connection in self.connections.values() {
            let _ = connection.send(control.clone());
        }
    }

    pub(super) fn lose_logs(&mut self) {
        for room in self.rooms.values_mut() {
            self.epochs += 1;
            room.log = Log::new(room.log.room(), Epoch(self.epochs), self.retention);
        }
        self.forget_sessions();
    }

    pub(super) fn forget_sessions(&mut self) {
        self.sessions = fresh_sessions(&self.settings);
    }

    /// Somebody has come to a room, or gone.
    pub(super) fn tell_presence(&self, name: &RoomName, about: u64, joined: bool, member: &MemberId) {
        let room = &self.rooms[name];
        let (number, member) = (room.log.room(), member.as_str());
        let frame = match joined {
            true => ServerFrame::Joined { room: number, member },
            false => ServerFrame::Left { room: number, member },
        };
        self.tell_room(name, |id| {
            (id != about && room.present.contains_key(&id)).then(|| Control::Frame(encoded(&frame)))
        });
    }

    pub(super) fn leave(&mut self, id: u64, name: &RoomName) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        room.subscribers.remove(&id);
        if let Some(member) = room.present.remove(&id) {
            self.tell_presence(name, id, false, &member);
        }
    }

    /// A token says what becomes of it: a number, it is good for so many milliseconds; nothing or a name, for ever.
    pub(super) fn check_token(&mut self, connection: u64, token: &[u8]) -> Result<Duration, CloseCode> {
        let token = String::from_utf8(token.to_vec()).expect("text");
        self.tokens.push((connection, token.clone()));
        self.changed();
        match token.as_str() {
            "expired" => Err(CloseCode::TOKEN_EXPIRED),
            "somebody else's" => Err(CloseCode::UNAUTHORIZED),
            token => Ok(Duration::from_millis(token.parse().unwrap_or(0))),
        }
    }

    pub(super) fn changed(&self) {
        self.changes.send_replace(());
    }
}

/// Adds a frame with all who are there.
pub(super) fn put_present(batch: &mut Vec<u8>, room: RoomNumber, members: &[&str]) {
    let mut names = Vec::new();
    let members = Members::write(members.iter().copied(), &mut names);
    let more = false;
    ServerFrame::Present { room, more, members }.encode(batch);
}

fn encoded(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn fresh_sessions(settings: &Settings) -> Sessions {
    Sessions::new(settings.terms.session_ttl, settings.terms.max_unanswered as usize, 1000)
}
