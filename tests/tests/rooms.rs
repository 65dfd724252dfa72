//! Rooms over `/ws`: joining, order, history, resuming, gaps, take-over.

use tidewire_protocol::{
    CloseCode, Offset, Sequence,
    frame::{Outcome, Start},
};
use tidewire_tests::{Heard, Server, Wire};

#[tokio::test]
async fn what_one_publishes_everyone_sees_in_order_and_once() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    let begun = bob.subscribe(1, "lobby", Start::Now).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    for sequence in 1..=500 {
        ann.publish(sequence, "lobby", &format!("number {sequence}")).await;
    }
    for number in 1..=500 {
        let said = bob.message().await;
        assert_eq!(said.offset, Offset(begun.position.offset.0 + number));
        assert_eq!(said.room, begun.room);
        assert_eq!(said.sender, welcomed.member);
        assert_eq!(said.text(), format!("number {number}"));
    }
    let position = ann.published(500).await;
    assert_eq!((position.epoch, position.offset), (begun.position.epoch, Offset(500)));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    let begun = ann.subscribe(1, "lobby", Start::Now).await;
    bob.publish(1, "lobby", "one").await;
    assert_eq!(ann.message().await.text(), "one");
    drop(ann);
    bob.publish(2, "lobby", "two").await;
    bob.published(2).await;
    let (mut ann, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!((again.outcome, again.member), (Outcome::Resumed, welcomed.member));
    let mut position = begun.position;
    position.offset = Offset(1);
    ann.subscribe(2, "lobby", Start::After(position)).await;
    assert_eq!(ann.message().await.text(), "two");
    bob.publish(3, "lobby", "three").await;
    assert_eq!(ann.message().await.text(), "three");
}

#[tokio::test]
async fn a_publish_that_is_sent_again_is_answered_as_before_and_appended_once() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    ann.publish(1, "lobby", "once").await;
    let first = ann.published(1).await;
    ann.publish(1, "lobby", "once").await;
    assert_eq!(ann.published(1).await, first);
    drop(ann);
    let (mut ann, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.settled, Sequence(1));
    assert_eq!(ann.next().await, Heard::Published(Sequence(1), first));
    ann.publish(1, "lobby", "once").await;
    assert_eq!(ann.published(1).await, first);
    ann.publish(2, "lobby", "and another").await;
    assert_eq!(bob.message().await.text(), "once");
    assert_eq!(bob.message().await.text(), "and another");
}

#[tokio::test]
async fn a_second_transport_takes_the_session_over() {
    let server = Server::start_default();
    let (old, welcomed) = Wire::join(server.address()).await;
    let (mut new, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.outcome, Outcome::Resumed);
    assert_eq!(old.closed().await, (Some(CloseCode::TAKEN_OVER), CloseCode::TAKEN_OVER));
    new.round_trip().await;
}
