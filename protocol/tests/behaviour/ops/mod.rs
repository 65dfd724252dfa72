//! Any bytes as operations on a client, and on the server's side of all its transports: what both may do and what may happen
//! to them, in any order, with batches that are late, lost, damaged or made up.
//!
//! As long as no batch is damaged, the promises of the simulator must hold; whatever happens, nothing panics, no machine goes
//! round in circles or says more than it was asked for, messages of a subscription have no hole but gaps, and no publish is
//! answered twice.

mod checks;
#[path = "../../simulator/coverage.rs"]
#[allow(dead_code, reason = "the simulator counts")]
mod coverage;
mod lies;
#[path = "../../simulator/model.rs"]
#[allow(dead_code, reason = "nobody else is there")]
mod model;
mod server;
mod world;

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Epoch, Offset, OwnedPayload, Position,
    client::{self, Attempt},
    frame::{ServerFrame, Start},
    server as machine,
};

pub(crate) use self::coverage::Coverage;
use self::world::{World, room};

/// Does what these bytes say.
pub(crate) fn run(bytes: &[u8]) {
    run_some(bytes, 16);
}

/// The same without damage and lies, so that everything must arrive in the end.
pub(crate) fn run_honestly(bytes: &[u8]) -> Coverage {
    run_some(bytes, 14)
}

fn run_some(bytes: &[u8], operations: u8) -> Coverage {
    let mut bytes = Bytes(bytes);
    let mut world = World::new(bytes.next(), bytes.next());
    while let Some(operation) = bytes.take() {
        match operation % operations {
            0..3 => carry(&mut world, &mut bytes),
            3 | 4 => use_rooms(&mut world, &mut bytes),
            5 => publish(&mut world, &mut bytes),
            6 | 7 => let_time_pass(&mut world, &mut bytes),
            8 => world.tell_client(told(&mut bytes)),
            9 => open_or_cut(&mut world, &mut bytes),
            10 | 11 => serve(&mut world, &mut bytes),
            12 => world.answer(bytes.next() % 8 != 0),
            13 => world.pump(bytes.index(), bytes.index()),
            14 => harm(&mut world, &mut bytes),
            _ => make_up(&mut world, &mut bytes),
        }
    }
    world.finish()
}

/// What is left of the input.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next, and zeros after the end.
    fn next(&mut self) -> u8 {
        self.take().unwrap_or_default()
    }

    fn index(&mut self) -> usize {
        self.next().into()
    }

    fn slice(&mut self, length: usize) -> &'a [u8] {
        let (slice, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        slice
    }
}

/// Batches arrive: of any transport, whether the client still has it or not.
fn carry(world: &mut World, bytes: &mut Bytes<'_>) {
    let which = bytes.index();
    if which >= 128 {
        world.open();
        return world.carry_all();
    }
    for _ in 0..=bytes.next() % 4 {
        world.carry_to_server(which / 2);
        world.carry_to_client(which / 2);
        if which.is_multiple_of(2) {
            world.pump(which / 2, 1 << 16);
        }
    }
}

fn use_rooms(world: &mut World, bytes: &mut Bytes<'_>) {
    let which = bytes.index();
    match bytes.next() % 8 {
        0..3 => {
            let start = match bytes.next() % 4 {
                0 => Start::Now,
                1 => Start::After(Position {
                    epoch: Epoch(0xdead),
                    offset: Offset(bytes.next().into()),
                }),
                count => Start::Last(count.into()),
            };
            world.subscribe(which, start, which.is_multiple_of(3));
        }
        3 => world.unsubscribe(which),
        4 => world.pause(which),
        5 => world.resume(which),
        6 => {
            let (now, payload) = (world.now, OwnedPayload::Text("signal".into()));
            world.client.signal(now, &room(which), &payload);
            world.drive_client(0);
        }
        _ => {
            let now = world.now;
            world.client.ping(now);
            world.drive_client(0);
        }
    }
}

fn publish(world: &mut World, bytes: &mut Bytes<'_>) {
    let (which, length) = (bytes.index(), bytes.index());
    let ttl = (which % 5 == 0).then(|| Duration::from_millis(bytes.next().into()));
    world.publish(which, length, ttl);
}

fn let_time_pass(world: &mut World, bytes: &mut Bytes<'_>) {
    let time = u64::from(bytes.next());
    match bytes.next() % 8 {
        0..4 => world.pass(Duration::from_millis(16 * time)),
        4 | 5 => world.pass(Duration::from_millis(256 * time)),
        // Timers fire late.
        6 => world.now = world.now + Duration::from_millis(256 * time),
        // A clock goes back.
        _ => {
            let before =
                tidewire_protocol::Instant::new(world.now.elapsed().saturating_sub(Duration::from_millis(256 * time)));
            world.client.handle_input(before, client::Input::Timeout);
            world.drive_client(0);
        }
    }
}

/// What a page tells its client.
fn told(bytes: &mut Bytes<'_>) -> client::Input<'static> {
    match bytes.next() {
        0..80 => client::Input::Connect,
        80..130 => client::Input::Token(Some(Box::from(&b"token"[..]))),
        130..140 => client::Input::Token(None),
        140..160 => client::Input::Offline,
        160..220 => client::Input::Online,
        220..254 => client::Input::Wake,
        254 => client::Input::Timeout,
        255 => client::Input::Close,
    }
}

/// What becomes of transports.
fn open_or_cut(world: &mut World, bytes: &mut Bytes<'_>) {
    let which = bytes.index();
    match bytes.next() % 8 {
        0..4 => world.open(),
        4 => world.tell_client(client::Input::Opened(Attempt(which as u64))),
        5 => world.lose_client_side(None),
        6 => world.lose_server_side(which),
        _ => world.lose_client_side(Some(code(bytes))),
    }
}

/// What happens on the server.
fn serve(world: &mut World, bytes: &mut Bytes<'_>) {
    let which = bytes.index();
    match bytes.next() % 32 {
        0..16 => world.say(which),
        16 => world.lose_logs(),
        17 => world.bad_luck = which.is_multiple_of(4),
        18 => world.token_ttl = Duration::from_millis(32 * which as u64),
        19 => {
            let (min, max) = (Duration::from_millis(8 * which as u64), Duration::from_millis(500));
            world.tell_server(which, &machine::Input::GoAway(min, max));
        }
        20 => world.tell_server(which, &machine::Input::Close(code(bytes))),
        21 => {
            world.tell_server(which, &machine::Input::Finish);
            world.tell_server(which, &machine::Input::Close(CloseCode::GOING_AWAY));
        }
        22..24 => world.tell_server(which, &machine::Input::Timeout),
        _ => {
            let number = world.room_number(which / 4);
            world.whisper(
                which,
                &match which % 4 {
                    0 => ServerFrame::Joined {
                        room: number,
                        member: "other",
                    },
                    1 => ServerFrame::Left {
                        room: number,
                        member: "other",
                    },
                    2 => ServerFrame::Signal {
                        room: number,
                        sender: "other",
                        payload: tidewire_protocol::frame::Payload::Text("signal"),
                    },
                    _ => ServerFrame::Ping(tidewire_protocol::frame::Nonce(7)),
                },
            );
        }
    }
}

fn code(bytes: &mut Bytes<'_>) -> CloseCode {
    let codes = [
        CloseCode::GOING_AWAY,
        CloseCode::TRY_AGAIN_LATER,
        CloseCode::TOKEN_EXPIRED,
        CloseCode::SILENT,
        CloseCode::FELL_BEHIND,
        CloseCode::ABNORMAL,
    ];
    codes[bytes.index() % codes.len()]
}

/// A batch on its way is damaged, cut short, lost or doubled. No transport that we use does that, so promises end here.
fn harm(world: &mut World, bytes: &mut Bytes<'_>) {
    let (which, at, change) = (bytes.index(), bytes.index(), bytes.next());
    let Some(queue) = world.queue(which / 2, which % 2 == 0) else {
        return;
    };
    let Some(batch) = queue.front_mut() else { return };
    let at = at % batch.len().max(1);
    match change % 8 {
        0 => batch.truncate(at),
        1 => drop(queue.pop_front()),
        2 => {
            let again = batch.clone();
            queue.push_front(again);
        }
        3 => queue.rotate_left(1),
        4 => batch.insert(at, change),
        _ => {
            if let Some(byte) = batch.get_mut(at) {
                *byte ^= change;
            }
        }
    }
    world.checks.is_honest = false;
}

/// Something arrives that nobody sent: a frame, or any bytes.
fn make_up(world: &mut World, bytes: &mut Bytes<'_>) {
    world.checks.is_honest = false;
    let (which, kind) = (bytes.index(), bytes.next());
    let is_for_client = which.is_multiple_of(2);
    let batch = match (kind % 4, is_for_client) {
        (0, _) => {
            let length = bytes.index();
            bytes.slice(length).to_vec()
        }
        (_, true) => lies::of_the_server(bytes),
        (_, false) => lies::of_the_client(bytes),
    };
    if is_for_client {
        world.hear(&batch);
    } else {
        world.tell_server(which / 2, &machine::Input::Received(&batch));
    }
}
