//! A place in the page for a component, and the other end of its rooms.

use futures_util::{Stream, StreamExt};
use tidewire_client::{Client, ClientOptions, OwnedPayload, RoomEvent, RoomEvents, RoomName, SubscribeOptions};
use yew::prelude::*;

use crate::common::{fixture, get, tagged, within};

/// A component in the page.
pub(crate) struct Mounted<C: BaseComponent> {
    root: web_sys::Element,
    app: AppHandle<C>,
}

impl<C: BaseComponent> Mounted<C> {
    pub(crate) async fn new(props: C::Properties) -> Self {
        let document = web_sys::window().and_then(|window| window.document()).expect("a page");
        let root = document.create_element("div").expect("an element");
        let app = yew::Renderer::<C>::with_root_and_props(root.clone(), props).render();
        yew::scheduler::flush().await;
        Self { root, app }
    }

    pub(crate) async fn update(&mut self, props: C::Properties) {
        self.app.update(props);
        yew::scheduler::flush().await;
    }

    pub(crate) fn text(&self) -> String {
        self.root.text_content().unwrap_or_default()
    }

    /// Returns its handle, which ends the component at once.
    pub(crate) fn into_app(self) -> AppHandle<C> {
        self.app
    }

    pub(crate) async fn unmount(self) {
        self.app.destroy();
        yew::scheduler::flush().await;
    }
}

pub(crate) fn url() -> AttrValue {
    fixture("/ws").into()
}

/// A room that no other test has used.
pub(crate) fn room_name() -> RoomName {
    RoomName::new(&tagged("room")).expect("a name")
}

/// Another client, which connects in the background.
pub(crate) fn other() -> Client {
    Client::connect(&fixture("/ws"), ClientOptions::default()).expect("an address")
}

/// Publishes as many messages at once as are wanted: texts of numbers, from this one on.
pub(crate) async fn burst(room: &RoomName, first: u64, count: u64) {
    let path = format!("/fixture/burst?room={}&first={first}&count={count}", room.as_str());
    assert_eq!(get(&path).await.0, 200);
}

/// Publishes one text, and waits until it was accepted.
pub(crate) async fn say(client: &Client, room: &RoomName, text: &str) {
    let room = client.room(room.as_str()).expect("a name");
    within("outcome", room.publish(text)).await.expect("accepted");
}

/// One that watches who comes and goes, and is there itself.
pub(crate) async fn watch(client: &Client, room: &RoomName) -> RoomEvents {
    let room = client.room(room.as_str()).expect("a name");
    let options = SubscribeOptions::default().presence(true);
    let mut events = room.subscribe(options).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    assert!(matches!(next(&mut events).await, RoomEvent::Present(_)));
    events
}

pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    within("item", stream.next()).await.expect("the stream has not ended")
}

/// The text of a message.
pub(crate) fn text(event: &RoomEvent) -> Option<String> {
    match event {
        RoomEvent::Message {
            payload: OwnedPayload::Text(text),
            ..
        } => Some(text.to_string()),
        _ => None,
    }
}

/// The texts from one number to before another.
pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
