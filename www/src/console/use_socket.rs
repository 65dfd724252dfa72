//! The one hook for the connection: it makes, uses and ends the socket, and tells the state what happened.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use tidewire_client::{Event, Message, ReadyState, SendErrorCause, Socket, SocketOptions};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::browser::now;
use crate::console::notice::Notice;
use crate::console::outbox::Outbox;
use crate::console::state::{Action, Outgoing, State};

/// Acts on the page's one connection. Clones act on the same.
#[derive(Clone)]
pub(crate) struct Connection {
    socket: Rc<RefCell<Option<Socket>>>,
    outbox: Rc<Outbox>,
}

// Always equal: there is one connection in a page, so a component that was given it has no reason to render again.
impl PartialEq for Connection {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Connection {
    /// Connects to a full address. An earlier connection is dropped.
    pub(crate) fn connect(&self, address: &str) {
        // Taken out before it is dropped, so that nothing is borrowed then.
        let earlier = self.socket.take();
        drop(earlier);
        self.outbox.tell(Action::Connecting(address.into(), now()));
        let outbox = self.outbox.clone();
        let on_event = move |event| {
            if let Some(action) = action_of(event) {
                outbox.tell(action);
            }
        };
        match Socket::listen(address, &SocketOptions::default(), on_event) {
            Ok(socket) => *self.socket.borrow_mut() = Some(socket),
            Err(error) => self.outbox.tell(Action::ConnectFailed(error)),
        }
    }

    /// Asks for the end of the connection, or of the attempt. Whether code and reason could be sent.
    pub(crate) fn close(&self, code: u16, reason: &str) -> bool {
        let result = self.socket.borrow().as_ref().map(|socket| socket.close(code, reason));
        match result {
            Some(Ok(())) => self.outbox.tell(Action::Closing),
            Some(Err(error)) => {
                self.notify(Notice::BadClose(error));
                return false;
            }
            None => {}
        }
        true
    }

    /// Whether a message can be sent.
    pub(crate) fn is_open(&self) -> bool {
        let socket = self.socket.borrow();
        socket
            .as_ref()
            .is_some_and(|socket| socket.ready_state() == ReadyState::Open)
    }

    /// Sends a message when the browser has shown what is to be shown, and calls `on_failure` if it was not taken.
    ///
    /// After a key was pressed, browsers draw before they deliver anything. Sent at once, the message would be timed
    /// together with the drawing.
    pub(crate) fn send_soon(&self, message: Message, on_failure: impl FnOnce() + 'static) {
        let connection = self.clone();
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            if !connection.send(message) {
                on_failure();
            }
        });
    }

    /// Sends a message. Whether the browser took it; if not, a notice says why.
    pub(crate) fn send(&self, message: Message) -> bool {
        let (size, outgoing, at) = (message.len(), Outgoing::of(&message), now());
        let result = match self.socket.borrow().as_ref() {
            Some(socket) => socket.send(message).map_err(|error| error.cause),
            None => Err(SendErrorCause::NotOpen(ReadyState::Closed)),
        };
        match result {
            Ok(()) => self.outbox.sent(outgoing, at),
            Err(SendErrorCause::NotOpen(_)) => self.notify(Notice::NotOpen),
            Err(SendErrorCause::BufferFull) => self.notify(Notice::BufferFull { size }),
            Err(_) => self.notify(Notice::Rejected),
        }
        result.is_ok()
    }

    /// Tells what went wrong elsewhere.
    pub(crate) fn notify(&self, notice: Notice) {
        self.outbox.tell(Action::Notify(notice));
    }
}

fn action_of(event: Event) -> Option<Action> {
    let at = now();
    match event {
        Event::Open { .. } => Some(Action::Opened(at)),
        Event::Message(message) => Some(Action::Received(message, at)),
        Event::Error => Some(Action::Failed(at)),
        Event::Close(close) => Some(Action::Closed(close, at)),
        // The library may come to tell of more.
        _ => None,
    }
}

/// The page's connection. It ends with the component.
///
/// It takes the reducer's dispatcher, not its handle: a handle that a long-lived closure reads keeps every state it saw.
#[hook]
pub(crate) fn use_socket(dispatcher: UseReducerDispatcher<State>) -> Connection {
    let socket = use_memo((), |()| RefCell::new(None));
    let outbox = use_memo((), |()| Outbox::new(dispatcher));
    Connection { socket, outbox }
}
