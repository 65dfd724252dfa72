//! Rooms. What the native client is tested for is not repeated here: the driver is the same, so this list is about the
//! browser's sockets and timers.

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, ClientState, ConnectError, Room, RoomEvent, RoomEvents, SubscribeOptions,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Uncaught, fixture, next, refused, round_trip, tagged, text, within};

fn connect() -> Client {
    Client::connect(&fixture("/ws"), ClientOptions::default()).expect("an address")
}

/// A room that no other test has used.
fn room(client: &Client) -> Room {
    client.room(&tagged("room")).expect("a name")
}

fn subscribe(room: &Room) -> RoomEvents {
    room.subscribe(SubscribeOptions::default()).expect("once")
}

async fn reach(client: &Client, wanted: ClientState) {
    let mut states = client.states();
    while next(&mut states).await != wanted {}
}

#[wasm_bindgen_test]
async fn what_is_published_comes_to_every_subscriber_in_order() {
    let [ann, bob] = [connect(), connect()];
    let room = room(&ann);
    let other = bob.room(room.name().as_str()).expect("a name");
    let mut events = subscribe(&other);
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let outcomes = ["1", "2", "3"].map(|text| room.publish(text));
    let bytes = room.publish(vec![0, 255]);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let position = within("outcome", outcome).await.expect("accepted");
        let event = RoomEvent::Message {
            position,
            sender: ann.member(),
            payload: (index + 1).to_string().into(),
        };
        assert_eq!(next(&mut events).await, event);
    }
    let position = within("outcome", bytes).await.expect("accepted");
    let (sender, payload) = (ann.member(), vec![0, 255].into());
    assert_eq!(
        next(&mut events).await,
        RoomEvent::Message {
            position,
            sender,
            payload
        }
    );
}

#[wasm_bindgen_test]
async fn a_session_goes_on_after_its_connection_was_cut() {
    let [client, other] = [connect(), connect()];
    let room = room(&client);
    let elsewhere = other.room(room.name().as_str()).expect("a name");
    let mut events = subscribe(&room);
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let member = client.member();
    for round in 0..3 {
        client.go_offline();
        assert_eq!(client.state(), ClientState::Offline);
        let own = room.publish(format!("own {round}"));
        within("outcome", elsewhere.publish(format!("other {round}")))
            .await
            .expect("accepted");
        client.go_online();
        within("outcome", own).await.expect("accepted");
        assert_eq!(text(&mut events).await, format!("other {round}"));
        assert_eq!(text(&mut events).await, format!("own {round}"));
    }
    assert_eq!(client.member(), member);
}

#[wasm_bindgen_test]
async fn presence_and_signals_are_told() {
    let [ann, bob] = [connect(), connect()];
    let room = room(&ann);
    let other = bob.room(room.name().as_str()).expect("a name");
    let options = SubscribeOptions::default().presence(true);
    let mut events = room.subscribe(options).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let ann_id = ann.member().expect("welcomed");
    assert_eq!(next(&mut events).await, RoomEvent::Present(vec![ann_id.clone()]));
    let theirs = other.subscribe(options).expect("once");
    let bob_id = match next(&mut events).await {
        RoomEvent::Joined(member) => member,
        event => panic!("nobody joined: {event:?}"),
    };
    assert_eq!(room.presence().len(), 2);
    other.signal("typing").expect("connected");
    let (sender, payload) = (Some(bob_id.clone()), "typing".into());
    assert_eq!(next(&mut events).await, RoomEvent::Signal { sender, payload });
    drop(theirs);
    assert_eq!(next(&mut events).await, RoomEvent::Left(bob_id));
    assert_eq!(room.presence(), [ann_id]);
}

/// What is asked within one task leaves together, so that a hundred publishes are not a hundred frames.
#[wasm_bindgen_test]
async fn a_hundred_publishes_at_once_are_answered_in_order() {
    let client = connect();
    let room = room(&client);
    let outcomes: Vec<_> = (0..100).map(|number: u32| room.publish(number.to_string())).collect();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let position = within("outcome", outcome).await.expect("accepted");
        assert_eq!(position.offset.0, index as u64 + 1);
    }
}

#[wasm_bindgen_test]
async fn events_that_are_not_taken_stay_at_the_server() {
    let mut options = ClientOptions::default();
    options.max_queued_bytes = 1000;
    let client = Client::connect(&fixture("/ws"), options).expect("an address");
    let room = room(&client);
    let mut events = subscribe(&room);
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    for number in 0..300 {
        within("outcome", room.publish(number.to_string()))
            .await
            .expect("accepted");
    }
    for number in 0..300 {
        assert_eq!(text(&mut events).await, number.to_string());
    }
}

#[wasm_bindgen_test]
async fn a_server_that_cannot_be_reached_is_tried_again() {
    let client = Client::connect(&refused(), ClientOptions::default()).expect("an address");
    let mut states = client.states();
    assert_eq!(next(&mut states).await, ClientState::Connecting);
    assert!(matches!(next(&mut states).await, ClientState::Waiting(_)));
    assert_eq!(next(&mut states).await, ClientState::Connecting);
}

#[wasm_bindgen_test]
fn an_address_that_is_none_is_an_error_at_once() {
    for url in ["nonsense:", "ws://127.0.0.1/ws#fragment"] {
        let error = Client::connect(url, ClientOptions::default()).expect_err("no address");
        assert_eq!(error, ConnectError::InvalidUrl, "{url}");
    }
}

#[wasm_bindgen_test]
async fn a_round_trip_takes_time() {
    let client = connect();
    assert_eq!(client.round_trip().await, None);
    reach(&client, ClientState::Open).await;
    assert!(
        within("answer", client.round_trip())
            .await
            .is_some_and(|time| !time.is_zero())
    );
}

/// subxt#1288: a closure that was called after it was dropped.
#[wasm_bindgen_test]
async fn dropping_the_client_ends_its_streams_and_calls_nothing_after() {
    let uncaught = Uncaught::watch();
    let client = connect();
    let room = room(&client);
    let mut events = subscribe(&room);
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    // One whose microtask and timer are still to come.
    let hasty = connect();
    drop(hasty.room("lobby").expect("a name").publish("never sent"));
    drop((client, room, hasty));
    assert_eq!(within("end", events.next()).await, None);
    round_trip().await;
    assert!(uncaught.all().is_empty());
}

#[wasm_bindgen_test]
async fn closing_tells_what_becomes_of_publishes() {
    let client = connect();
    let room = room(&client);
    let outcome = room.publish("too late");
    client.close().await;
    assert_eq!(
        within("outcome", outcome).await.expect_err("not sent").payload,
        "too late".into()
    );
}
