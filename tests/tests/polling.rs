//! A client over polls, and one that comes to them because a WebSocket cannot be had.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, future::join};
use tidewire_behaviours::{Polls, Rules, Spoiled};
use tidewire_client::{
    Client, ClientOptions, ClientState, OwnedPayload, Room, RoomEvent, RoomEvents, SubscribeOptions, TransportKind,
};
use tidewire_tests::{BadNetwork, Gateway, Proxy, Server, connect_over, message, publish_all, within};

fn polling(address: SocketAddr) -> Client {
    connect_over(address, &[TransportKind::Polls])
}

fn lobby(client: &Client) -> Room {
    client.room("lobby").expect("a name")
}

/// A subscription that has begun.
async fn subscribe(client: &Client, options: SubscribeOptions) -> RoomEvents {
    let mut events = lobby(client).subscribe(options).expect("once");
    let begun = within(events.next()).await;
    assert!(matches!(begun, Some(RoomEvent::Subscribed(_))), "{begun:?}");
    events
}

#[tokio::test]
async fn messages_come_in_order_and_a_connection_is_told_once() {
    let server = Server::start_default();
    let [ann, bob] = [
        polling(server.address()),
        connect_over(server.address(), &[TransportKind::Stream]),
    ];
    let mut states = ann.states();
    let mut of_ann = subscribe(&ann, SubscribeOptions::default()).await;
    let mut of_bob = subscribe(&bob, SubscribeOptions::default()).await;
    for number in 0..20 {
        let room = if number % 2 == 0 { lobby(&ann) } else { lobby(&bob) };
        let said = within(room.publish(number.to_string())).await.expect("accepted");
        for events in [&mut of_ann, &mut of_bob] {
            assert_eq!(message(events).await, (number.to_string(), said.offset.0));
        }
    }
    let mut told = Vec::new();
    ann.close().await;
    while let Some(state) = within(states.next()).await {
        told.push(state);
    }
    let opened = told.iter().filter(|it| **it == ClientState::Open).count();
    assert!(opened <= 1, "{told:?}");
}

#[tokio::test]
async fn who_is_in_the_room_is_told_and_polls_do_not_look_like_leaving() {
    let server = Server::start_default();
    let bob = polling(server.address());
    let mut of_bob = subscribe(&bob, SubscribeOptions::default().presence(true)).await;
    let ann = polling(server.address());
    let mut of_ann = subscribe(&ann, SubscribeOptions::default().presence(true)).await;
    let [ann_is, bob_is] = [&ann, &bob].map(|client| client.member().expect("a session"));
    for text in ["one", "two", "three"] {
        within(lobby(&ann).publish(text)).await.expect("accepted");
        while message_or_presence(&mut of_ann).await.is_none() {}
    }
    ann.close().await;
    let mut changes = Vec::new();
    while changes.last() != Some(&RoomEvent::Left(ann_is.clone())) {
        let event = within(of_bob.next()).await.expect("not the end");
        if !matches!(event, RoomEvent::Message { .. }) {
            changes.push(event);
        }
    }
    let expected = [
        RoomEvent::Present(vec![bob_is]),
        RoomEvent::Joined(ann_is.clone()),
        RoomEvent::Left(ann_is),
    ];
    assert_eq!(changes, expected);
}

/// The text of the next event, if it is a message.
async fn message_or_presence(events: &mut RoomEvents) -> Option<OwnedPayload> {
    match within(events.next()).await.expect("not the end") {
        RoomEvent::Message { payload, .. } => Some(payload),
        _ => None,
    }
}

#[tokio::test]
async fn a_publish_survives_a_cut_and_is_accepted_once() {
    let server = Server::start_default();
    let proxy = Proxy::start(server.address()).await;
    let client = polling(proxy.address());
    let mut events = subscribe(&client, SubscribeOptions::default()).await;
    for number in 0..10 {
        let publishing = lobby(&client).publish(number.to_string());
        proxy.cut_all();
        let position = within(publishing).await.expect("accepted");
        assert_eq!(position.offset.0, number + 1);
        assert_eq!(message(&mut events).await, (number.to_string(), number + 1));
    }
}

const MESSAGES: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_each_way_over_requests_that_are_cut() {
    let network = BadNetwork::start(7).await;
    let [ann, bob] = [polling(network.address()), polling(network.address())];
    let [mut of_ann, mut of_bob] = [
        subscribe(&ann, SubscribeOptions::default()).await,
        subscribe(&bob, SubscribeOptions::default()).await,
    ];
    let hear = async |events: &mut RoomEvents, from: &str| {
        let mut last = None;
        let mut next = 0;
        while next < MESSAGES {
            let (text, offset) = message(events).await;
            assert!(last.is_none_or(|last| offset == last + 1), "{offset} after {last:?}");
            last = Some(offset);
            if text == format!("{from} {next}") {
                next += 1;
            } else {
                assert!(!text.starts_with(from), "{text} where {next} was due");
            }
        }
    };
    let rooms = [lobby(&ann), lobby(&bob)];
    let publishing = join(
        publish_all(&rooms[0], "ann", MESSAGES, 8),
        publish_all(&rooms[1], "bob", MESSAGES, 8),
    );
    let hearing = join(hear(&mut of_ann, "bob"), hear(&mut of_bob, "ann"));
    join(publishing, hearing).await;
    let counters = network.counters();
    assert!(counters.ended() > 20, "{counters:?}");
}

/// A way to a server on which WebSockets are refused.
async fn without_websockets(server: &Server) -> Gateway {
    Gateway::start(vec![server.address()], Rules::default().without_websockets()).await
}

#[tokio::test]
async fn where_websockets_are_refused_the_session_begins_over_polls() {
    let server = Server::start_default();
    let gateway = without_websockets(&server).await;
    let client = connect_over(gateway.address(), &[TransportKind::Stream, TransportKind::Polls]);
    let mut events = subscribe(&client, SubscribeOptions::default()).await;
    within(lobby(&client).publish("through")).await.expect("accepted");
    assert_eq!(message(&mut events).await.0, "through");
    assert_eq!(gateway.traffic().borrow().barred, 1);
}

#[tokio::test]
async fn a_session_moves_up_to_a_websocket_once_there_can_be_one() {
    let server = Server::start_default();
    let gateway = without_websockets(&server).await;
    let client = connect_over(gateway.address(), &[TransportKind::Stream, TransportKind::Polls]);
    let mut events = subscribe(&client, SubscribeOptions::default()).await;
    let mut states = client.states();
    // It tries while it polls, and nobody notices.
    let traffic = gateway.traffic();
    let barred = traffic.borrow().barred;
    let number = said_until(&client, &mut events, 0, || traffic.borrow().barred > barred).await;
    gateway.set(Rules::default());
    let mut number = said_until(&client, &mut events, number, || traffic.borrow().websockets > 0).await;
    for _ in 0..20 {
        number = said_until(&client, &mut events, number, || true).await;
    }
    // What is said now can only go by the WebSocket.
    let polls = Polls::Spoil(1, Spoiled::Status(502));
    gateway.set(Rules {
        polls,
        ..Rules::default()
    });
    for _ in 0..20 {
        number = said_until(&client, &mut events, number, || true).await;
    }
    client.close().await;
    let mut told = Vec::new();
    while let Some(state) = within(states.next()).await {
        told.push(state);
    }
    assert!(
        matches!(
            told[..],
            [ClientState::Open, ClientState::Closed(_)] | [ClientState::Closed(_)]
        ),
        "{told:?}"
    );
}

/// Nothing but what the test does has it try a WebSocket again.
fn choosing(server: &Server) -> Client {
    let mut options = ClientOptions::default();
    options.backoff.cap = Duration::from_millis(100);
    options.climb_after = Duration::from_secs(3600);
    Client::connect(&format!("ws://{}/ws", server.address()), options).expect("an address")
}

#[tokio::test]
async fn where_websockets_are_blocked_the_session_goes_on_over_polls_and_back_again() {
    let server = Server::start_default();
    let bob = connect_over(server.address(), &[TransportKind::Stream]);
    let mut of_bob = subscribe(&bob, SubscribeOptions::default().presence(true)).await;
    let ann = choosing(&server);
    let mut of_ann = subscribe(&ann, SubscribeOptions::default()).await;
    let mut number = 0;
    for is_blocked in [true, false] {
        ann.block(TransportKind::Stream, is_blocked);
        let wanted = [TransportKind::Stream, TransportKind::Polls][usize::from(is_blocked)];
        number = said_until(&ann, &mut of_ann, number, || ann.transport() == Some(wanted)).await;
    }
    let (mut heard, mut changes) = (0, 0);
    while heard < number {
        match within(of_bob.next()).await.expect("not the end") {
            RoomEvent::Message { position, .. } => {
                heard += 1;
                assert_eq!(position.offset.0, heard);
            }
            _ => changes += 1,
        }
    }
    assert_eq!(changes, 2, "who is there, and that ann came");
}

#[tokio::test]
async fn where_all_is_blocked_what_is_said_waits() {
    let server = Server::start_default();
    let client = choosing(&server);
    let mut events = subscribe(&client, SubscribeOptions::default()).await;
    let mut states = client.states();
    for kind in [TransportKind::Stream, TransportKind::Polls] {
        client.block(kind, true);
    }
    let said = lobby(&client).publish("0");
    for _ in 0..4 {
        while !matches!(within(states.next()).await, Some(ClientState::Waiting(_))) {}
    }
    assert_eq!(client.transport(), None);
    client.go_offline();
    client.block(TransportKind::Polls, false);
    assert_eq!(client.state(), ClientState::Offline, "that is for `go_online` to end");
    client.go_online();
    within(said).await.expect("accepted");
    assert_eq!(message(&mut events).await, ("0".into(), 1));
    assert_eq!(client.transport(), Some(TransportKind::Polls));
}

#[tokio::test]
async fn a_session_goes_over_to_the_transport_that_was_chosen() {
    let [stream, polls] = [TransportKind::Stream, TransportKind::Polls];
    let server = Server::start_default();
    let client = choosing(&server);
    let mut events = subscribe(&client, SubscribeOptions::default()).await;
    let mut number = 0;
    for (chosen, stays, comes_to) in [
        (&[polls][..], false, polls),
        (&[stream], false, stream),
        (&[polls], false, polls),
        (&[stream, polls], true, stream),
        (&[polls, stream], true, stream),
    ] {
        client.set_transports(chosen);
        assert_eq!(client.state() == ClientState::Open, stays, "{chosen:?}");
        number = said_until(&client, &mut events, number, || client.transport() == Some(comes_to)).await;
    }
}

/// Says one thing after another, each of which is heard once, in its place, until it is so.
async fn said_until(client: &Client, events: &mut RoomEvents, from: u64, is_so: impl Fn() -> bool) -> u64 {
    let mut number = from;
    within(async {
        loop {
            within(lobby(client).publish(number.to_string()))
                .await
                .expect("accepted");
            number += 1;
            assert_eq!(message(events).await, ((number - 1).to_string(), number));
            if is_so() {
                return number;
            }
        }
    })
    .await
}
