//! Who is in a room, and signals.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Request,
    frame::{ClientFrame, Close, Start},
};
use tidewire_tests::{Heard, More, Presence, Server, Wire};

/// Subscribes to a room with presence, and returns who is there.
async fn enter(wire: &mut Wire, request: u32, room: &str) -> Vec<String> {
    wire.ask(request, room, Start::Now, Presence::Told).await;
    wire.subscribed(request).await;
    match wire.next().await {
        Heard::Present(members, More::No) => members,
        other => panic!("{other:?} where a list was expected"),
    }
}

fn sorted<const COUNT: usize>(members: [&String; COUNT]) -> Vec<String> {
    let mut members = members.map(String::clone);
    members.sort();
    members.to_vec()
}

#[tokio::test]
async fn who_comes_is_told_who_is_there_and_the_others_are_told_who_came() {
    let server = Server::start_default();
    let (mut ann, a) = Wire::join(server.address()).await;
    let (mut bob, b) = Wire::join(server.address()).await;
    assert_eq!(enter(&mut ann, 1, "lobby").await, std::slice::from_ref(&a.member));
    assert_eq!(enter(&mut bob, 1, "lobby").await, sorted([&a.member, &b.member]));
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));

    // Who does not ask to be told is there all the same.
    let (mut cid, c) = Wire::join(server.address()).await;
    cid.subscribe(1, "lobby", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(c.member.clone()));
    assert_eq!(bob.next().await, Heard::Joined(c.member.clone()));
    cid.round_trip().await;
    let handle = server.tidewire().room("lobby").expect("a name");
    let members: Vec<String> = handle.presence().iter().map(|it| it.as_str().to_owned()).collect();
    assert_eq!(members, sorted([&a.member, &b.member, &c.member]));
    assert_eq!(handle.subscribers(), 3);
}

#[tokio::test]
async fn who_unsubscribes_or_ends_its_session_has_left() {
    let server = Server::start_default();
    let (mut ann, _) = Wire::join(server.address()).await;
    enter(&mut ann, 1, "lobby").await;
    let (mut bob, b) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));
    bob.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    assert_eq!(ann.next().await, Heard::Left(b.member.clone()));
    bob.next().await;
    bob.subscribe(2, "lobby", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));
    let code = CloseCode::NORMAL;
    bob.say(ClientFrame::Close(Close { code, reason: "" })).await;
    assert_eq!(ann.next().await, Heard::Left(b.member));
    assert_eq!(bob.closed().await.1, code);
}

#[tokio::test]
async fn a_reconnect_is_not_seen_by_others() {
    let server = Server::start_default();
    let (mut ann, _) = Wire::join(server.address()).await;
    enter(&mut ann, 1, "lobby").await;
    let (mut bob, b) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));
    drop(bob);
    server.wait_for_open(1).await;
    let (mut bob, again) = Wire::resume(server.address(), b.session, 2, 0).await;
    assert_eq!(again.member, b.member);
    bob.subscribe(2, "lobby", Start::Now).await;
    // A take-over is not seen either.
    let (mut bob, _) = Wire::resume(server.address(), b.session, 3, 0).await;
    bob.subscribe(3, "lobby", Start::Now).await;
    ann.round_trip().await;
}

#[tokio::test]
async fn who_does_not_come_back_has_left_when_its_session_expires() {
    let server = Server::start(|settings| settings.session_ttl = Duration::from_millis(100));
    let (mut ann, _) = Wire::join(server.address()).await;
    enter(&mut ann, 1, "lobby").await;
    let (mut bob, b) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));
    drop(bob);
    assert_eq!(ann.next().await, Heard::Left(b.member));
}

#[tokio::test]
async fn who_comes_back_without_asking_for_the_room_has_left_after_the_grace() {
    let server = Server::start(|settings| settings.presence_grace = Duration::from_millis(100));
    let (mut ann, _) = Wire::join(server.address()).await;
    enter(&mut ann, 1, "lobby").await;
    let (mut bob, b) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    bob.subscribe(2, "den", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Joined(b.member.clone()));
    drop(bob);
    let (mut bob, _) = Wire::resume(server.address(), b.session, 2, 0).await;
    bob.subscribe(3, "den", Start::Now).await;
    assert_eq!(ann.next().await, Heard::Left(b.member.clone()));
    assert_eq!(server.tidewire().room("den").expect("a name").presence().len(), 1);
}

#[tokio::test]
async fn a_signal_reaches_the_others_and_is_not_logged() {
    let server = Server::start_default();
    let (mut ann, a) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    for wire in [&mut ann, &mut bob] {
        wire.subscribe(1, "lobby", Start::Now).await;
    }
    ann.signal("lobby", "typing").await;
    assert_eq!(bob.next().await, Heard::Signal(a.member.clone(), "typing".into()));
    ann.round_trip().await;
    let (mut cid, _) = Wire::join(server.address()).await;
    cid.subscribe(1, "lobby", Start::Last(10)).await;
    cid.round_trip().await;
    // Who is not in the room may signal to it as well, and a room that is not there is not made.
    cid.signal("elsewhere", "hello?").await;
    cid.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    cid.next().await;
    cid.signal("lobby", "bye").await;
    assert!(matches!(bob.next().await, Heard::Signal(_, payload) if payload == "bye".into()));
    assert_eq!(server.tidewire().rooms(), 1);
    server
        .tidewire()
        .room("lobby")
        .expect("a name")
        .signal(tidewire_protocol::frame::Payload::Text("from the server"));
    assert!(matches!(ann.next().await, Heard::Signal(_, payload) if payload == "bye".into()));
    assert_eq!(ann.next().await, Heard::Signal(String::new(), "from the server".into()));
}

#[tokio::test]
async fn signals_to_who_is_slow_are_dropped_and_messages_are_not() {
    let server = Server::start_default();
    let (mut ann, _) = Wire::join(server.address()).await;
    let mut slow = Wire::open_with_small_buffer(server.address()).await;
    slow.hello(None, 1, 0).await;
    slow.subscribe(1, "lobby", Start::Now).await;
    // Far more than the kernel's buffers and the connection's own take.
    let large = "x".repeat(60 << 10);
    let mut signals = 0;
    for sequence in 1..=70 {
        ann.publish(sequence, "lobby", "message").await;
        ann.published(sequence).await;
        for _ in 0..2 {
            ann.signal("lobby", &large).await;
            signals += 1;
        }
    }
    ann.round_trip().await;
    let (mut messages, mut got) = (0, 0);
    while messages < 70 {
        match slow.next().await {
            Heard::Message(_) => messages += 1,
            Heard::Signal(..) => got += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(got < signals, "{got} of {signals} signals");
}
