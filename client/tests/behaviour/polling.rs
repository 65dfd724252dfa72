//! Rooms over polls: what is the browser's own in it, its requests and their ends.

use std::time::Duration;

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, ClientState, CloseCode, ConnectError, RoomEvent, RoomEvents, SubscribeOptions, TransportKind,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Uncaught, drained, fixture, get, next, round_trip, tagged, text, within};

fn options() -> ClientOptions {
    let mut options = ClientOptions::default();
    options.transports = vec![TransportKind::Polls];
    options.backoff.base = Duration::from_millis(20);
    options.backoff.cap = Duration::from_millis(100);
    options
}

fn connect(path: &str) -> Client {
    // At an address of its own: a page remembers at which it polled.
    let url = fixture(&format!("{path}?{}", tagged("polls")));
    Client::connect(&url, options()).expect("an address")
}

/// One whose every `nth` poll under this tag comes to nothing, and its address.
fn faulty(tag: &str, fault: &str, nth: usize) -> Client {
    connect(&format!("/fixture/polls/{tag}/{fault}/{nth}/ws"))
}

async fn reach(client: &Client, is_reached: impl Fn(ClientState) -> bool) {
    let mut states = client.states();
    while !is_reached(next(&mut states).await) {}
}

/// A subscription that has begun, in this room.
async fn subscribe(client: &Client, room: &str) -> RoomEvents {
    let room = client.room(room).expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    events
}

/// Twenty messages go from one client to another.
async fn talk(from: &Client, to: &Client) {
    let name = tagged("room");
    let mut events = subscribe(to, &name).await;
    let room = from.room(&name).expect("a name");
    for number in 0..20 {
        within("outcome", room.publish(number.to_string()))
            .await
            .expect("accepted");
        assert_eq!(text(&mut events).await, number.to_string());
    }
}

#[wasm_bindgen_test]
async fn messages_come_in_order() {
    let [ann, bob] = [connect("/ws"), connect("/ws")];
    talk(&ann, &bob).await;
}

#[wasm_bindgen_test]
async fn a_client_with_a_websocket_is_heard_and_hears() {
    let ann = connect("/ws");
    let url = fixture(&format!("/ws?{}", tagged("websocket")));
    let bob = Client::connect(&url, ClientOptions::default()).expect("an address");
    talk(&ann, &bob).await;
    talk(&bob, &ann).await;
    let kinds = [&ann, &bob].map(Client::transport);
    assert_eq!(kinds, [Some(TransportKind::Polls), Some(TransportKind::Stream)]);
}

#[wasm_bindgen_test]
async fn where_no_websocket_can_be_had_a_client_polls() {
    let url = fixture(&format!("/fixture/polls/{}/none/{}/ws", tagged("blocked"), usize::MAX));
    let client = Client::connect(&url, ClientOptions::default()).expect("an address");
    talk(&client, &client).await;
    assert_eq!(client.transport(), Some(TransportKind::Polls));
}

#[wasm_bindgen_test]
async fn what_a_program_blocks_is_not_told_to_the_next_page_as_the_network() {
    let url = fixture(&format!("/ws?{}", tagged("taught")));
    let client = Client::connect(&url, ClientOptions::default()).expect("an address");
    for is_chosen in [false, true] {
        match is_chosen {
            false => client.block(TransportKind::Stream, true),
            true => client.set_transports(&[TransportKind::Polls]),
        }
        talk(&client, &client).await;
        assert_eq!(client.transport(), Some(TransportKind::Polls));
        let next = Client::connect(&url, ClientOptions::default()).expect("an address");
        reach(&next, |state| state == ClientState::Open).await;
        assert_eq!(next.transport(), Some(TransportKind::Stream));
        client.set_transports(&[TransportKind::Stream, TransportKind::Polls]);
        client.block(TransportKind::Stream, false);
        within("a way up", async {
            let mut states = client.states();
            while client.transport() != Some(TransportKind::Stream) {
                states.next().await.expect("not the end");
            }
        })
        .await;
    }
}

#[wasm_bindgen_test]
async fn a_session_goes_on_where_a_request_failed() {
    for fault in ["bad-gateway", "html", "redirect", "endless"] {
        let tag = tagged(fault);
        let client = faulty(&tag, fault, 5);
        talk(&client, &client).await;
        let (_, requests) = get(&format!("/fixture/opened/{tag}")).await;
        assert!(requests.parse::<u32>().is_ok_and(|count| count > 10), "{requests}");
    }
}

#[wasm_bindgen_test]
async fn a_network_that_answers_by_itself_is_tried_again() {
    for fault in ["bad-gateway", "html", "redirect"] {
        let client = faulty(&tagged(fault), fault, 1);
        for _ in 0..3 {
            reach(&client, |state| state == ClientState::Connecting).await;
            reach(&client, |state| matches!(state, ClientState::Waiting(_))).await;
        }
    }
}

#[wasm_bindgen_test]
async fn a_batch_that_is_too_large_ends_the_session() {
    let client = faulty(&tagged("too-big"), "too-big", 1);
    reach(&client, |state| {
        state == ClientState::Closed(CloseCode::MESSAGE_TOO_BIG)
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_client_that_is_dropped_leaves_no_request_and_calls_nothing() {
    let uncaught = Uncaught::watch();
    let tag = tagged("dropped");
    let client = faulty(&tag, "none", usize::MAX);
    let events = subscribe(&client, &tag).await;
    // One that has not begun.
    let hasty = faulty(&tag, "none", usize::MAX);
    drop((client, events, hasty));
    drained(&tag).await;
    round_trip().await;
    assert!(uncaught.all().is_empty());
}

#[wasm_bindgen_test]
async fn farewell_is_said() {
    let [ann, bob] = [connect("/ws"), connect("/ws")];
    let name = tagged("room");
    let options = SubscribeOptions::default().presence(true);
    let room = ann.room(&name).expect("a name");
    let mut events = room.subscribe(options).expect("once");
    while !matches!(next(&mut events).await, RoomEvent::Present(_)) {}
    let other = bob.room(&name).expect("a name");
    let theirs = other.subscribe(options).expect("once");
    // Who has joined or left between two polls is told by the list of the next.
    let me = ann.member().expect("welcomed");
    let member = loop {
        match next(&mut events).await {
            RoomEvent::Joined(member) => break member,
            RoomEvent::Present(members) => {
                if let Some(member) = members.into_iter().find(|member| *member != me) {
                    break member;
                }
            }
            event => panic!("{event:?}"),
        }
    };
    drop((bob, other, theirs));
    match next(&mut events).await {
        RoomEvent::Left(left) => assert_eq!(left, member),
        RoomEvent::Present(members) => assert!(!members.contains(&member)),
        event => panic!("{event:?}"),
    }
}

#[wasm_bindgen_test]
fn an_address_that_is_none_is_an_error_at_once() {
    for url in ["nonsense:", "ws://", "mailto:a@b"] {
        let error = Client::connect(url, options()).expect_err("no address");
        assert_eq!(error, ConnectError::InvalidUrl, "{url}");
    }
}
