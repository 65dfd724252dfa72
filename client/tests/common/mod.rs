//! What the tests in a browser share: the fixture server's addresses, deadlines, and a second view of what happened.

mod uncaught;

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use tidewire_client::{Close, Event, Events, Message, OwnedPayload, RoomEvent, RoomEvents, Socket, SocketOptions};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

pub(crate) use uncaught::Uncaught;

#[wasm_bindgen]
extern "C" {
    fn fetch(url: &str, init: &web_sys::RequestInit) -> Promise;
}

/// An address of the fixture server, for a WebSocket.
pub(crate) fn fixture(path: &str) -> String {
    socket_address(option_env!("TIDEWIRE_FIXTURE"), path)
}

/// An address on which nobody listens.
pub(crate) fn refused() -> String {
    socket_address(option_env!("TIDEWIRE_REFUSED"), "/echo")
}

fn socket_address(http: Option<&str>, path: &str) -> String {
    let http = http.expect(
        "TIDEWIRE_FIXTURE and TIDEWIRE_REFUSED were not set when the tests were built: \
         run `cargo run -p tidewire-tests --bin fixture` and set them to the two addresses it prints",
    );
    http.replacen("http", "ws", 1) + path
}

/// What `future` gives, or a failed test when that takes long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match select(pin!(future), TimeoutFuture::new(DEADLINE_MS)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("no {what} within {DEADLINE_MS} ms"),
    }
}

/// The next of what comes.
pub(crate) async fn next<S: Stream + Unpin>(events: &mut S) -> S::Item {
    within("event", events.next())
        .await
        .expect("the stream should not have ended")
}

/// The next message of a room, which is to be text. Before it the subscription may begin.
pub(crate) async fn text(events: &mut RoomEvents) -> String {
    loop {
        match next(events).await {
            RoomEvent::Subscribed(_) => {}
            RoomEvent::Message {
                payload: OwnedPayload::Text(text),
                ..
            } => return text.into(),
            event => panic!("not text: {event:?}"),
        }
    }
}

/// The next event, which is to be a message.
pub(crate) async fn next_message(events: &mut Events) -> Message {
    match next(events).await {
        Event::Message(message) => message,
        other => panic!("not a message: {other:?}"),
    }
}

/// The close, whatever comes before it; nothing may follow.
pub(crate) async fn next_close(events: &mut Events) -> Close {
    loop {
        if let Event::Close(close) = next(events).await {
            assert_eq!(within("end", events.next()).await, None);
            return close;
        }
    }
}

/// A socket that is open.
pub(crate) async fn open(url: &str) -> (Socket, Events) {
    open_with(url, &SocketOptions::default()).await
}

/// A socket that is open, with options.
pub(crate) async fn open_with(url: &str, options: &SocketOptions) -> (Socket, Events) {
    let (socket, mut events) = Socket::connect(url, options).expect("the browser should try to connect");
    let first = next(&mut events).await;
    assert!(matches!(first, Event::Open { .. }), "not open: {first:?}");
    (socket, events)
}

/// Lets the browser deliver whatever had come before: a message goes to the server and back over another connection.
pub(crate) async fn round_trip() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    socket.send("round trip").unwrap();
    assert_eq!(next_message(&mut events).await, "round trip".into());
}

/// The status of a GET request to the fixture server, and the text it answers.
pub(crate) async fn get(path: &str) -> (u16, String) {
    request("GET", path, None).await
}

/// The status of a request to the fixture server, with a text as its body or none, and the text it answers.
pub(crate) async fn request(method: &str, path: &str, body: Option<&str>) -> (u16, String) {
    let url = fixture(path).replacen("ws", "http", 1);
    let init = web_sys::RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        init.set_body(&body.into());
    }
    within("answer", async {
        let response = JsFuture::from(fetch(&url, &init))
            .await
            .expect("the fixture server should answer");
        let response: web_sys::Response = response.unchecked_into();
        let text = JsFuture::from(response.text().unwrap()).await.unwrap();
        (response.status(), text.as_string().unwrap())
    })
    .await
}

/// `tag`, as no earlier run against the same server used it.
pub(crate) fn tagged(tag: &str) -> String {
    format!("{tag}-{}", js_sys::Math::random().to_bits())
}

/// Until no connection under `tag` is open at the server.
pub(crate) async fn drained(tag: &str) {
    assert_eq!(
        get(&format!("/fixture/drained/{tag}")).await.0,
        200,
        "connections are still open"
    );
}

/// What was noted, and the end of waiting for it.
pub(crate) struct Notes<T> {
    notes: Rc<RefCell<Vec<T>>>,
    changed: futures_channel::mpsc::UnboundedSender<()>,
    changes: futures_channel::mpsc::UnboundedReceiver<()>,
}

impl<T: Clone + 'static> Notes<T> {
    pub(crate) fn new() -> Self {
        let (changed, changes) = futures_channel::mpsc::unbounded();
        Self {
            notes: Rc::default(),
            changed,
            changes,
        }
    }

    /// A function that notes.
    pub(crate) fn pen(&self) -> impl Fn(T) + 'static {
        let (notes, changed) = (self.notes.clone(), self.changed.clone());
        move |note| {
            notes.borrow_mut().push(note);
            let _ = changed.unbounded_send(());
        }
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.notes.borrow().clone()
    }

    /// Until there are `count` notes.
    pub(crate) async fn reach(&mut self, count: usize) {
        self.until(|notes| notes.len() >= count).await;
    }

    /// Until this is so of the notes.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&[T]) -> bool) {
        within("note", async {
            while !is_so(&self.notes.borrow()) {
                self.changes.next().await;
            }
        })
        .await;
    }
}

/// Longer than the fixture server takes over anything, and shorter than a person's patience.
const DEADLINE_MS: u32 = 15_000;
