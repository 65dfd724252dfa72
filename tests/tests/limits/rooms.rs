//! Rooms at their limits, and one past them.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, FRAME_OVERHEAD, Offset, OwnedPayload, Request, Sequence,
    frame::{ClientFrame, Payload, Publish, RefusalCode, RefusedWhat, Start},
};
use tidewire_tests::{Heard, Poller, Presence, Server, Wire, until, within};

/// Waits for a refusal, and returns what and why.
async fn refused(wire: &mut Wire) -> (RefusedWhat, RefusalCode) {
    match wire.next().await {
        Heard::Refused(refused) => (refused.what, refused.code),
        other => panic!("{other:?} where a refusal was expected"),
    }
}

#[tokio::test]
async fn one_subscription_more_than_there_may_be_is_refused_until_another_has_ended() {
    let server = Server::start(|settings| settings.max_subscriptions = 2);
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "a", Start::Now).await;
    ann.subscribe(2, "b", Start::Now).await;
    ann.ask(3, "c", Start::Now, Presence::Untold).await;
    let what = |request| RefusedWhat::Subscription(Request(request));
    assert_eq!(refused(&mut ann).await, (what(3), RefusalCode::TOO_MANY_SUBSCRIPTIONS));
    ann.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    ann.next().await;
    ann.subscribe(4, "c", Start::Now).await;
    ann.say(ClientFrame::Unsubscribe { request: Request(2) }).await;
    ann.next().await;
    ann.ask(5, "c", Start::Now, Presence::Untold).await;
    assert_eq!(refused(&mut ann).await, (what(5), RefusalCode::ALREADY_SUBSCRIBED));
}

#[tokio::test]
async fn one_session_more_than_there_may_be_is_closed_with_4104() {
    let server = Server::start(|settings| {
        settings.max_sessions = 2;
        settings.session_ttl = Duration::from_millis(50);
    });
    let (_ann, _) = Wire::join(server.address()).await;
    let (bob, _) = Wire::join(server.address()).await;
    let hello = tidewire_protocol::frame::Hello {
        version: tidewire_protocol::frame::VERSION,
        attempt: 1,
        session: None,
        answered: Sequence(0),
        token: tidewire_protocol::frame::Token::default(),
    };
    let mut cid = Wire::open(server.address()).await;
    cid.say(ClientFrame::Hello(hello)).await;
    assert_eq!(cid.closed().await.0, Some(CloseCode::TOO_MANY_SESSIONS));
    let answer = Poller::new(server.address()).poll(&[]).await;
    assert_eq!(answer, [Heard::Close(CloseCode::TOO_MANY_SESSIONS)]);
    drop(bob);
    until(async || server.tidewire().sessions() <= 1).await;
    Wire::join(server.address()).await;
}

#[tokio::test]
async fn one_room_more_than_there_may_be_is_refused_until_one_is_idle() {
    let server = Server::start(|settings| settings.max_rooms = 2);
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "a", Start::Now).await;
    ann.subscribe(2, "b", Start::Now).await;
    ann.ask(3, "c", Start::Now, Presence::Untold).await;
    assert_eq!(refused(&mut ann).await.1, RefusalCode::TOO_MANY_ROOMS);
    ann.publish(1, "c", "x").await;
    assert_eq!(
        refused(&mut ann).await,
        (RefusedWhat::Publish(Sequence(1)), RefusalCode::TOO_MANY_ROOMS)
    );
    ann.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    ann.next().await;
    // Rooms are looked through for idle ones now and then, not at each request.
    let mut request = 4;
    within(async {
        loop {
            ann.ask(request, "c", Start::Now, Presence::Untold).await;
            if let Heard::Subscribed(_) = ann.next().await {
                break;
            }
            request += 1;
        }
    })
    .await;
    assert_eq!(server.tidewire().rooms(), 2);
}

#[tokio::test]
async fn one_member_more_than_a_room_may_have_is_refused_until_one_has_left() {
    let server = Server::start(|settings| settings.limits.max_members = Some(2));
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let mut bob = Poller::join(server.address()).await;
    let (mut cid, _) = Wire::join(server.address()).await;
    cid.ask(1, "lobby", Start::Now, Presence::Told).await;
    assert_eq!(
        refused(&mut cid).await,
        (RefusedWhat::Subscription(Request(1)), RefusalCode::ROOM_FULL)
    );
    let mut dan = Poller::new(server.address());
    let answer = dan.poll(&[]).await;
    assert!(
        matches!(&answer[1], Heard::Refused(it) if it.code == RefusalCode::ROOM_FULL),
        "{answer:?}"
    );
    // It may publish, and who is there stays there, over another connection too.
    cid.publish(1, "lobby", "from outside").await;
    assert_eq!(ann.message().await.text(), "from outside");
    drop(ann);
    let (mut ann, _) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    assert_eq!(bob.poll(&[]).await.len(), 3);
    ann.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    ann.next().await;
    cid.published(1).await;
    cid.subscribe(2, "lobby", Start::Now).await;
}

#[tokio::test]
async fn a_payload_of_one_byte_more_than_is_taken_is_refused_in_its_place() {
    let server = Server::start(|settings| settings.max_payload_bytes = 100);
    let (mut ann, _) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    for (sequence, length) in [(1, 100), (2, 101), (3, 100)] {
        ann.publish(sequence, "lobby", &"x".repeat(length)).await;
    }
    ann.signal("lobby", &"x".repeat(101)).await;
    assert!(matches!(ann.next().await, Heard::Published(Sequence(1), _)));
    assert_eq!(
        refused(&mut ann).await,
        (RefusedWhat::Publish(Sequence(2)), RefusalCode::PAYLOAD_TOO_BIG)
    );
    assert!(matches!(ann.next().await, Heard::Published(Sequence(3), _)));
    assert_eq!(
        (bob.message().await.offset, bob.message().await.offset),
        (Offset(1), Offset(2))
    );
    bob.round_trip().await;
    let error = server
        .tidewire()
        .room("lobby")
        .expect("a name")
        .publish("x".repeat(101))
        .await;
    assert_eq!(error.map_err(|error| error.payload.as_payload().len()), Err(101));
}

#[tokio::test]
async fn the_largest_payload_passes_and_bytes_stay_bytes() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let bytes: Vec<u8> = (0..64 << 10).map(|byte: u32| byte as u8).collect();
    ann.say(ClientFrame::Publish(Publish {
        sequence: Sequence(1),
        room: "lobby",
        payload: Payload::Binary(&bytes),
    }))
    .await;
    loop {
        if let Heard::Message(said) = ann.next().await {
            assert!(said.payload == OwnedPayload::from(bytes));
            break;
        }
    }
    assert_eq!(welcomed.terms.max_payload_bytes, 64 << 10);
}

#[tokio::test]
async fn messages_leave_when_they_are_old() {
    let server = Server::start(|settings| settings.retention.max_age = Duration::from_millis(50));
    let lobby = server.tidewire().room("lobby").expect("a name");
    let first = lobby.publish("old").await.expect("published");
    until(async || {
        let mut subscription = lobby.subscribe(Start::Last(1)).await.expect("a subscription");
        if subscription.position() == first {
            return true;
        }
        // It begins before the message as long as that is kept.
        drop(futures_util::StreamExt::next(&mut subscription).await);
        false
    })
    .await;
}

#[tokio::test]
async fn all_rooms_together_keep_no_more_than_they_may_and_the_largest_give_way() {
    const MESSAGE: usize = 1000;
    let max = 100 * (MESSAGE + FRAME_OVERHEAD);
    let server = Server::start(|settings| settings.max_log_bytes = max);
    let [large, small] = ["large", "small"].map(|name| server.tidewire().room(name).expect("a name"));
    let first = small.publish("x".repeat(MESSAGE)).await.expect("published");
    let mut last = first;
    for _ in 0..300 {
        last = large.publish("x".repeat(MESSAGE)).await.expect("published");
    }
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "large", Start::Last(1000)).await;
    let mut kept = 0;
    while ann.message().await.offset < last.offset {
        kept += 1;
    }
    assert!((50..100).contains(&kept), "{kept} messages");
    ann.subscribe(2, "small", Start::Last(1000)).await;
    assert_eq!(ann.message().await.offset, first.offset);
}

#[tokio::test]
async fn a_room_name_of_one_byte_more_than_it_may_have_breaks_the_protocol() {
    let server = Server::start_default();
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, &"r".repeat(128), Start::Now).await;
    ann.ask(2, &"r".repeat(129), Start::Now, Presence::Untold).await;
    assert_eq!(ann.closed().await.0, Some(CloseCode::PROTOCOL_ERROR));
}
