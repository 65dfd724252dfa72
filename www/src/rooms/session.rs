//! What the page does with its session: connect, enter a room, publish, signal, cut the link, choose and block transports.
//! What comes of it is told to the state.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use gloo_timers::future::TimeoutFuture;
use tidewire_client::{
    Client, ClientOptions, ClientState, Publishing, Room, RoomEvents, RoomName, States, SubscribeOptions, TokenSource,
    TransportKind,
};
use wasm_bindgen_futures::spawn_local;
use yew::UseReducerDispatcher;

use crate::browser::{self, now};
use crate::payload::Payload;
use crate::rooms::notice::Notice;
use crate::rooms::people::TYPING_EVERY;
use crate::rooms::state::{Action, Connection, Link, State, TYPING};
use crate::rooms::transports::Choice;
use crate::task::Task;

/// Acts on the page's one session. Clones act on the same.
#[derive(Clone)]
pub(crate) struct Session {
    shared: Rc<Shared>,
}

struct Shared {
    /// Not the reducer's handle: one that a long-lived closure reads keeps every state it saw.
    dispatcher: UseReducerDispatcher<State>,
    client: RefCell<Option<Client>>,
    /// What was pasted last.
    token: RefCell<TokenSource>,
    room: RefCell<Option<Room>>,
    /// The number of the last publish.
    last_number: Cell<u64>,
    /// The number of the last burst.
    last_burst: Cell<u64>,
    /// When others were last told that somebody writes here.
    typed: Cell<Option<Duration>>,
}

// Always equal: there is one session in a page, so a component that was given it has no reason to render again.
impl PartialEq for Session {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Session {
    /// One that tells this state, and is not connected.
    pub(crate) fn new(dispatcher: UseReducerDispatcher<State>) -> Self {
        Self {
            shared: Rc::new(Shared {
                dispatcher,
                client: RefCell::default(),
                token: RefCell::default(),
                room: RefCell::default(),
                last_number: Cell::new(0),
                last_burst: Cell::new(0),
                typed: Cell::new(None),
            }),
        }
    }

    /// Connects to the page's own server. What keeps the state up to date ends with what is returned.
    pub(crate) fn connect(&self) -> Vec<Task> {
        let mut options = ClientOptions::default();
        options.token = self.shared.token.borrow().clone();
        match Client::connect(&browser::origin().address("/ws"), options) {
            Ok(client) => {
                let follow = Task::spawn(follow(client.states(), client.clone(), self.shared.dispatcher.clone()));
                let measure = Task::spawn(measure(client.clone(), self.shared.dispatcher.clone()));
                self.shared.client.replace(Some(client));
                vec![follow, measure]
            }
            Err(error) => {
                self.notify(Notice::CannotConnect(error));
                Vec::new()
            }
        }
    }

    /// Goes on with this token; with another session, where the one there was has ended.
    pub(crate) fn show_token(&self, token: &str) {
        self.shared.token.replace(token.into());
        let client = self.shared.client.borrow().clone();
        match client {
            Some(client) if !matches!(client.state(), ClientState::Closed(_)) => client.set_token(token),
            _ => self.shared.dispatcher.dispatch(Action::Begin),
        }
    }

    /// Ends the session, so that others see at once that this page has left.
    pub(crate) fn disconnect(&self) {
        if let Some(client) = self.shared.client.take() {
            // In a browser the farewell is handed over at once.
            let _ = client.close().now_or_never();
        }
    }

    /// Enters a room, with its newest messages. It is left when what is returned is dropped.
    pub(crate) fn enter(&self, name: &RoomName) -> Option<Task> {
        self.shared.dispatcher.dispatch(Action::Enter);
        let client = self.shared.client.borrow().clone()?;
        let room = client.room(name.as_str()).ok()?;
        // It fails where the client has ended, and then that was told.
        let events = room
            .subscribe(SubscribeOptions::default().last(HISTORY).presence(true))
            .ok()?;
        self.shared.room.replace(Some(room));
        self.shared.typed.set(None);
        Some(Task::spawn(listen(events, self.shared.dispatcher.clone())))
    }

    /// Publishes a text. Whether it was taken; if not, a notice says why.
    pub(crate) fn publish(&self, text: &str) -> bool {
        self.shared.typed.set(None);
        let is_taken = self.try_publish(text);
        if !is_taken {
            self.notify(Notice::Full(1));
        }
        is_taken
    }

    /// Publishes [`BURST`] numbered messages.
    pub(crate) fn burst(&self) {
        let burst = self.shared.last_burst.get() + 1;
        self.shared.last_burst.set(burst);
        for number in 1..=BURST {
            if !self.try_publish(&format!("burst {burst}: {number} of {BURST}")) {
                return self.notify(Notice::Full(BURST - number + 1));
            }
        }
    }

    /// Somebody writes: tells the others, unless they were told just now.
    pub(crate) fn typing(&self) {
        let now = now().elapsed;
        let is_due = self.shared.typed.get().is_none_or(|typed| now >= typed + TYPING_EVERY);
        if let (true, Some(room)) = (is_due, self.shared.room.borrow().as_ref()) {
            self.shared.typed.set(Some(now));
            // A signal is worth nothing later, so one that cannot be sent is dropped.
            let _ = room.signal(TYPING);
        }
    }

    /// Cuts the link, or makes it again.
    pub(crate) fn switch(&self, link: Link) {
        self.shared.dispatcher.dispatch(Action::Switch(link));
        if let Some(client) = &*self.shared.client.borrow() {
            match link {
                Link::Up => client.go_online(),
                Link::Cut => client.go_offline(),
            }
        }
    }

    /// Has the session talk over this from now on.
    pub(crate) fn choose(&self, choice: Choice) {
        self.shared.dispatcher.dispatch(Action::Choose(choice));
        if let Some(client) = &*self.shared.client.borrow() {
            client.set_transports(&choice.kinds());
        }
    }

    /// Blocks a kind of transport, or no longer.
    pub(crate) fn block(&self, kind: TransportKind, is_blocked: bool) {
        self.shared.dispatcher.dispatch(Action::Block(kind, is_blocked));
        if let Some(client) = &*self.shared.client.borrow() {
            client.block(kind, is_blocked);
        }
    }

    /// Tells what went wrong elsewhere.
    pub(crate) fn notify(&self, notice: Notice) {
        self.shared.dispatcher.dispatch(Action::Notify(notice));
    }

    fn try_publish(&self, text: &str) -> bool {
        let Some(room) = self.shared.room.borrow().clone() else {
            return false;
        };
        let mut publishing = room.publish(text);
        // What is refused at once was not taken.
        if (&mut publishing).now_or_never().is_some() {
            return false;
        }
        let number = self.shared.last_number.get() + 1;
        self.shared.last_number.set(number);
        let dispatcher = self.shared.dispatcher.clone();
        dispatcher.dispatch(Action::Publishing(number, Payload::of_text(text), now()));
        spawn_local(async move { dispatcher.dispatch(outcome(number, publishing).await) });
        true
    }
}

async fn outcome(number: u64, publishing: Publishing) -> Action {
    match publishing.await {
        Ok(position) => Action::Published(number, position),
        Err(error) => Action::PublishFailed(number, error.cause, now()),
    }
}

/// Tells what the client is doing.
async fn follow(mut states: States, client: Client, dispatcher: UseReducerDispatcher<State>) {
    while let Some(state) = states.next().await {
        let connection = Connection {
            state,
            transport: client.transport(),
            me: client.member(),
        };
        dispatcher.dispatch(Action::Connection(connection, now()));
    }
}

/// Tells what comes from a room, as much at once as has come.
async fn listen(events: RoomEvents, dispatcher: UseReducerDispatcher<State>) {
    let mut events = events.ready_chunks(MAX_EVENTS);
    while let Some(events) = events.next().await {
        dispatcher.dispatch(Action::Heard(events, now()));
    }
}

/// Tells how long a round trip takes, again and again while somebody can see it.
async fn measure(client: Client, dispatcher: UseReducerDispatcher<State>) {
    loop {
        TimeoutFuture::new(MEASURE_EVERY_MS).await;
        if browser::is_hidden() {
            continue;
        }
        if let Some(time) = client.round_trip().await {
            dispatcher.dispatch(Action::RoundTrip(time));
        }
    }
}

/// Past messages that are asked for on entering a room.
const HISTORY: u32 = 50;
/// Messages of a burst.
pub(crate) const BURST: u64 = 100;
/// Events told to the state at once.
const MAX_EVENTS: usize = 256;
/// Milliseconds between two measured round trips.
const MEASURE_EVERY_MS: u32 = 1_000;
