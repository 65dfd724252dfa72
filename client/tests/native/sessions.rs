//! What a program has of a session: rooms, publishes, presence, states, and their ends.

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::{
    DEADLINE, connect, connect_with, news, next, numbers, open,
    peer::{Peer, World},
    reach, text, texts, within,
};
use tidewire_client::{
    Client, ClientOptions, ClientState, CloseCode, ConnectError, GapCause, OwnedPayload, PublishErrorCause,
    PublishOptions, RefusalCode, RoomEvent, RoomEvents, SignalErrorCause, SubscribeError, SubscribeOptions,
};

#[tokio::test]
async fn what_is_published_is_confirmed_and_comes_to_every_subscriber_in_order() {
    let peer = Peer::start().await;
    let [ann, bob] = [connect(&peer), connect(&peer)];
    let [room, other] = [&ann, &bob].map(|client| client.room("lobby").expect("a name"));
    let [mut own, mut heard] = [&room, &other].map(|room| room.subscribe(SubscribeOptions::default()).expect("once"));
    let RoomEvent::Subscribed(start) = next(&mut heard).await else {
        panic!("not subscribed")
    };
    next(&mut own).await;
    let position = within(room.publish("hello")).await.expect("accepted");
    assert_eq!((position.epoch, position.offset.0), (start.epoch, 1));
    let bytes = within(room.publish(vec![0, 255])).await.expect("accepted");
    for events in [&mut own, &mut heard] {
        let expected = [OwnedPayload::from("hello"), OwnedPayload::from(vec![0, 255])];
        for (payload, position) in expected.into_iter().zip([position, bytes]) {
            let sender = ann.member();
            assert!(sender.is_some());
            assert_eq!(
                next(events).await,
                RoomEvent::Message {
                    position,
                    sender,
                    payload
                }
            );
        }
    }
}

#[tokio::test]
async fn a_subscription_begins_with_past_messages_or_after_a_position() {
    let peer = Peer::start().await;
    for number in 1..=5 {
        peer.say("lobby", &number.to_string());
    }
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default().last(2)).expect("once");
    let RoomEvent::Subscribed(start) = next(&mut events).await else {
        panic!("not subscribed")
    };
    assert_eq!(start.offset.0, 3);
    assert_eq!(texts(&mut events, 2).await, ["4", "5"]);
    drop(events);
    let mut events = room.subscribe(SubscribeOptions::default().after(start)).expect("again");
    assert_eq!(texts(&mut events, 2).await, ["4", "5"]);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_over_cuts() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let mut outcomes = Vec::new();
    for number in 0..100 {
        outcomes.push(room.publish(number.to_string()));
        if number % 10 == 5 {
            peer.cut();
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(texts(&mut events, 100).await, numbers(0..100));
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let position = within(outcome).await.expect("accepted");
        assert_eq!(position.offset.0, index as u64 + 1);
    }
}

#[tokio::test]
async fn a_client_that_went_offline_makes_no_connection_until_it_goes_online() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    open(&client).await;
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let member = client.member();
    client.go_offline();
    assert_eq!(client.state(), ClientState::Offline, "at once");
    let outcome = room.publish("from a tunnel");
    assert!(room.signal("typing").is_err());
    peer.wait_for(|world| world.connections.is_empty()).await;
    peer.say("lobby", "said meanwhile");
    client.go_offline();
    client.go_online();
    assert_eq!(texts(&mut events, 2).await, ["said meanwhile", "from a tunnel"]);
    assert_eq!(within(outcome).await.expect("accepted").offset.0, 2);
    assert_eq!(client.member(), member, "the session goes on");
}

#[tokio::test]
async fn a_client_can_go_offline_while_it_connects_and_while_it_waits() {
    let peer = Peer::start().await;
    peer.welcome(false);
    let client = connect_with(&peer, |options| options.backoff.base = Duration::from_secs(3600));
    client.go_offline();
    assert_eq!(client.state(), ClientState::Offline);
    client.go_online();
    assert_eq!(client.state(), ClientState::Connecting);
    // The server ends it at once.
    reach(&client, |state| matches!(state, ClientState::Waiting(_))).await;
    client.go_offline();
    assert_eq!(client.state(), ClientState::Offline);
    peer.welcome(true);
    client.go_online();
    open(&client).await;
}

#[tokio::test]
async fn a_client_that_has_ended_stays_so_offline_and_online() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    open(&client).await;
    within(client.close()).await;
    client.go_offline();
    client.go_online();
    assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
}

#[tokio::test]
async fn a_publish_whose_answer_was_lost_is_answered_after_the_reconnect_and_not_accepted_twice() {
    let peer = Peer::start().await;
    peer.answer(false);
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let outcome = room.publish("once");
    peer.wait_for(|world| world.rooms.values().any(|room| room.log.len() == 1))
        .await;
    peer.answer(true);
    peer.cut();
    assert_eq!(within(outcome).await.expect("accepted").offset.0, 1);
    assert_eq!(within(room.publish("twice")).await.expect("accepted").offset.0, 2);
}

#[tokio::test]
async fn a_publish_of_a_session_that_expired_is_unconfirmed_and_given_back() {
    let peer = Peer::start().await;
    peer.answer(false);
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let outcome = room.publish("perhaps");
    peer.wait_for(|world| world.rooms.values().any(|room| room.log.len() == 1))
        .await;
    peer.forget_sessions();
    let error = within(outcome).await.expect_err("unknown");
    assert_eq!(
        (error.cause, error.payload),
        (PublishErrorCause::Unconfirmed, "perhaps".into())
    );
}

#[tokio::test]
async fn a_lost_log_is_told_as_one_gap_and_the_new_one_follows() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    peer.wait_for(|world| world.rooms.values().any(|room| room.subscribed == 1))
        .await;
    peer.say("lobby", "before");
    assert_eq!(text(&mut events).await, "before");
    peer.lose_logs();
    peer.say("lobby", "after");
    let RoomEvent::Gap(gap) = news(&mut events).await else {
        panic!("no gap")
    };
    assert_eq!((gap.cause, gap.from.0), (GapCause::LogLost, 2));
    let RoomEvent::Message { position, .. } = next(&mut events).await else {
        panic!("no message")
    };
    assert_eq!((position.epoch, position.offset.0), (gap.resume.epoch, 1));
}

/// Neither lost nor kept in this process: the server's log holds what the program does not take.
#[tokio::test]
async fn a_subscription_whose_events_are_not_taken_pauses_and_loses_nothing() {
    const COUNT: usize = 1000;
    let retention = tidewire_protocol::Retention {
        max_messages: 2 * COUNT,
        ..tidewire_protocol::Retention::default()
    };
    let peer = Peer::start_with(tidewire_protocol::frame::Terms::default(), retention).await;
    let client = connect_with(&peer, |options| options.max_queued_bytes = 6500);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let subscribed = |count| move |world: &World| world.rooms.values().any(|room| room.subscribers.len() == count);
    for number in 0..COUNT / 2 {
        peer.say("lobby", &number.to_string());
    }
    peer.wait_for(subscribed(0)).await;
    for number in COUNT / 2..COUNT {
        peer.say("lobby", &number.to_string());
    }
    // Another thing that this client does is not held up.
    within(client.round_trip()).await.expect("an answer");
    assert_eq!(texts(&mut events, COUNT).await, numbers(0..COUNT));
    peer.wait_for(subscribed(1)).await;
}

#[tokio::test]
async fn presence_is_told_and_kept() {
    let peer = Peer::start().await;
    let [ann, bob] = [connect(&peer), connect(&peer)];
    let [room, other] = [&ann, &bob].map(|client| client.room("lobby").expect("a name"));
    open(&ann).await;
    let ann_id = ann.member().expect("welcomed");
    let mut events = room
        .subscribe(SubscribeOptions::default().presence(true))
        .expect("once");
    assert_eq!(news(&mut events).await, RoomEvent::Present(vec![ann_id.clone()]));
    let other_events = other
        .subscribe(SubscribeOptions::default().presence(true))
        .expect("once");
    let RoomEvent::Joined(bob_id) = news(&mut events).await else {
        panic!("nobody joined")
    };
    assert_eq!(Some(&bob_id), bob.member().as_ref());
    assert_eq!(room.presence().len(), 2);
    drop(other_events);
    assert_eq!(news(&mut events).await, RoomEvent::Left(bob_id));
    assert_eq!(room.presence(), [ann_id]);
}

#[tokio::test]
async fn signals_come_to_others_and_are_given_back_where_there_is_no_connection() {
    let peer = Peer::start().await;
    let [ann, bob] = [connect(&peer), connect(&peer)];
    let [room, other] = [&ann, &bob].map(|client| client.room("lobby").expect("a name"));
    let error = room.signal("typing").expect_err("not connected yet");
    assert_eq!(
        (error.cause, error.payload),
        (SignalErrorCause::NotConnected, "typing".into())
    );
    let mut events = other.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    open(&ann).await;
    room.signal("typing").expect("connected");
    let (sender, payload) = (ann.member(), "typing".into());
    assert_eq!(next(&mut events).await, RoomEvent::Signal { sender, payload });
}

#[tokio::test]
async fn signals_are_given_back_while_too_much_waits_to_be_sent() {
    let peer = Peer::start().await;
    let client = connect_with(&peer, |options| options.max_unsent_bytes = 100);
    let room = client.room("lobby").expect("a name");
    open(&client).await;
    // All in one turn of the runtime, so none is sent in between: a frame of 90 fits, and one more, which finds 90 waiting.
    let signal = "s".repeat(69);
    assert_eq!(
        [(); 3].map(|()| room.signal(signal.as_str()).is_ok()),
        [true, true, false]
    );
    assert_eq!(
        room.signal(signal.as_str()).expect_err("full").cause,
        SignalErrorCause::Full
    );
}

#[tokio::test]
async fn a_full_outbox_gives_the_message_back() {
    let peer = Peer::start().await;
    peer.answer(false);
    let client = connect_with(&peer, |options| options.outbox.max_publishes = 2);
    let room = client.room("lobby").expect("a name");
    let _kept = [room.publish("1"), room.publish("2")];
    let error = within(room.publish("3")).await.expect_err("full");
    assert_eq!((error.cause, error.payload), (PublishErrorCause::Full, "3".into()));
}

#[tokio::test]
async fn a_publish_that_cannot_be_sent_in_time_is_not_sent() {
    let peer = Peer::start().await;
    peer.welcome(false);
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let options = PublishOptions::default().ttl(Duration::from_millis(1));
    let error = within(room.publish_with("late", options)).await.expect_err("late");
    assert_eq!(
        (error.cause, error.payload),
        (PublishErrorCause::Expired, "late".into())
    );
    peer.welcome(true);
    assert_eq!(within(room.publish("in time")).await.expect("accepted").offset.0, 1);
}

#[tokio::test]
async fn what_the_server_refuses_is_told_with_its_code() {
    let peer = Peer::start().await;
    peer.refuse(Some(RefusalCode::FORBIDDEN));
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let error = within(room.publish("no")).await.expect_err("refused");
    assert_eq!(error.cause, PublishErrorCause::Refused(RefusalCode::FORBIDDEN));
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert_eq!(next(&mut events).await, RoomEvent::Ended(RefusalCode::FORBIDDEN));
    assert_eq!(within(events.next()).await, None);
    peer.refuse(None);
    let mut again = room
        .subscribe(SubscribeOptions::default())
        .expect("the other has ended");
    assert!(matches!(next(&mut again).await, RoomEvent::Subscribed(_)));
}

#[tokio::test]
async fn a_room_is_subscribed_to_once_and_again_after_the_events_were_dropped() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let events = room.subscribe(SubscribeOptions::default()).expect("once");
    let error = client
        .room("lobby")
        .expect("a name")
        .subscribe(SubscribeOptions::default());
    assert_eq!(error.expect_err("twice"), SubscribeError::AlreadySubscribed);
    peer.wait_for(|world| world.rooms.values().any(|room| room.subscribers.len() == 1))
        .await;
    drop(events);
    peer.wait_for(|world| world.rooms.values().all(|room| room.subscribers.is_empty()))
        .await;
    let mut events = room.subscribe(SubscribeOptions::default()).expect("again");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
}

#[tokio::test]
async fn the_states_are_told_from_the_first_to_the_last() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let mut states = client.states();
    assert_eq!(next(&mut states).await, ClientState::Connecting);
    within(async { while next(&mut states).await != ClientState::Open {} }).await;
    assert_eq!(client.state(), ClientState::Open);
    peer.close(CloseCode::SERVICE_RESTART);
    assert!(matches!(next(&mut states).await, ClientState::Waiting(_)));
    within(async { while next(&mut states).await != ClientState::Open {} }).await;
    peer.close(CloseCode::UNAUTHORIZED);
    assert_eq!(next(&mut states).await, ClientState::Closed(CloseCode::UNAUTHORIZED));
    assert_eq!(within(states.next()).await, None);
}

#[tokio::test]
async fn closing_ends_the_session_the_events_and_what_was_published() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    let outcome = room.publish("too late");
    within(client.close()).await;
    peer.wait_for(|world| world.sessions.is_empty() && world.connections.is_empty())
        .await;
    assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
    assert_eq!(within(events.next()).await, None);
    assert!(within(outcome).await.is_err());
    assert_eq!(
        within(room.publish("later")).await.expect_err("closed").cause,
        PublishErrorCause::Closed
    );
    assert_eq!(
        room.subscribe(SubscribeOptions::default()).expect_err("closed"),
        SubscribeError::Closed
    );
    assert_eq!(within(client.round_trip()).await, None);
    within(client.close()).await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_session_and_its_streams() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    let clone = client.clone();
    assert_eq!(client, clone);
    let room = client.room("lobby").expect("a name");
    let mut events = room.subscribe(SubscribeOptions::default()).expect("once");
    assert!(matches!(next(&mut events).await, RoomEvent::Subscribed(_)));
    drop((client, clone));
    within(room.publish("the room is a handle too"))
        .await
        .expect("accepted");
    drop(room);
    assert_eq!(text(&mut events).await, "the room is a handle too");
    assert_eq!(within(events.next()).await, None);
    peer.wait_for(|world| world.sessions.is_empty() && world.connections.is_empty())
        .await;
}

#[tokio::test]
async fn a_round_trip_takes_time_and_none_is_told_without_a_connection() {
    let peer = Peer::start().await;
    let client = connect(&peer);
    assert_eq!(client.round_trip().await, None);
    open(&client).await;
    let (one, other) = within(async { tokio::join!(client.round_trip(), client.round_trip()) }).await;
    assert!(one.is_some_and(|time| time > Duration::ZERO && time < DEADLINE));
    assert_eq!(one, other, "who asks meanwhile shares the answer");
    peer.welcome(false);
    peer.cut();
    reach(&client, |state| state != ClientState::Open).await;
    assert_eq!(within(client.round_trip()).await, None);
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error_at_once() {
    for url in ["", "nonsense", "http://127.0.0.1/ws", "ws://127.0.0.1/ws#fragment"] {
        let error = Client::connect(url, ClientOptions::default()).expect_err("no address");
        assert_eq!(error, ConnectError::InvalidUrl, "{url}");
    }
}

#[test]
fn outside_a_runtime_connecting_is_an_error() {
    let error = Client::connect("ws://127.0.0.1:1/ws", ClientOptions::default()).expect_err("no runtime");
    assert_eq!(error, ConnectError::NoRuntime);
}

#[tokio::test]
async fn names_of_rooms_are_checked() {
    let peer = Peer::start().await;
    assert!(connect(&peer).room("").is_err());
}

#[tokio::test]
async fn a_client_and_its_streams_can_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<(
        Client,
        tidewire_client::Room,
        RoomEvents,
        tidewire_client::States,
        tidewire_client::Publishing,
    )>();
}
