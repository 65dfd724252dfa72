//! Rooms on an engine that is slow, fails, loses its data, and serves two servers at once.

use std::{sync::Arc, time::Duration};

use tidewire_protocol::{
    CloseCode, Offset, Sequence,
    frame::{GapCause, Outcome, RefusalCode, Refused, RefusedWhat, Start},
};
use tidewire_server::{NotPublished, Settings, Tidewire};
use tidewire_tests::{EngineFault, Heard, Server, SlowEngine, Wire, until};

const LATENCY: Duration = Duration::from_millis(2);

fn server_with(engine: &SlowEngine, change: impl FnOnce(&mut Settings)) -> Server {
    let mut settings = Settings::default();
    change(&mut settings);
    let builder = Tidewire::builder().settings(settings).engine(Arc::new(engine.clone()));
    Server::serve(builder.build())
}

fn server(engine: &SlowEngine) -> Server {
    server_with(engine, |_| {})
}

fn refused(sequence: u64, code: RefusalCode) -> Heard {
    let what = RefusedWhat::Publish(Sequence(sequence));
    Heard::Refused(Refused { what, code })
}

#[tokio::test]
async fn publishes_keep_their_order_though_the_engine_is_slow() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    for sequence in 1..=100 {
        ann.publish(sequence, "lobby", &sequence.to_string()).await;
    }
    for number in 1..=100 {
        assert_eq!(bob.message().await.text(), number.to_string());
        assert!(matches!(ann.next().await, Heard::Published(Sequence(sequence), _) if sequence == number));
    }
}

#[tokio::test]
async fn what_the_engine_appended_without_saying_so_is_not_appended_again() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    for fault in [
        EngineFault::LostAfter,
        EngineFault::LostBefore,
        // Now nobody knows whether it was appended before, and it must be asked for again.
        EngineFault::Unavailable,
    ] {
        engine.fail_next(fault);
    }
    ann.publish(1, "lobby", "one").await;
    assert_eq!(ann.published(1).await.offset, Offset(1));
    ann.publish(2, "lobby", "two").await;
    assert_eq!(ann.published(2).await.offset, Offset(2));
    assert_eq!(engine.asked(), 5);
}

#[tokio::test]
async fn what_the_engine_did_not_take_is_refused_and_the_next_is_taken() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    engine.fail_next(EngineFault::Unavailable);
    engine.fail_next(EngineFault::Refused(RefusalCode(77)));
    for sequence in 1..=3 {
        ann.publish(sequence, "lobby", "x").await;
    }
    assert_eq!(ann.next().await, refused(1, RefusalCode::UNAVAILABLE));
    assert_eq!(ann.next().await, refused(2, RefusalCode(77)));
    assert_eq!(ann.published(3).await.offset, Offset(1));
}

#[tokio::test]
async fn a_publish_under_way_at_a_cut_is_answered_to_who_comes_back() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    engine.stop();
    ann.publish(1, "lobby", "one").await;
    ann.publish(2, "lobby", "two").await;
    ann.round_trip().await;
    drop(ann);
    let (mut ann, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!((again.outcome, again.settled), (Outcome::Resumed, Sequence(0)));
    ann.publish(1, "lobby", "one").await;
    ann.publish(2, "lobby", "two").await;
    ann.round_trip().await;
    engine.go_on();
    assert_eq!(ann.published(1).await.offset, Offset(1));
    assert_eq!(ann.published(2).await.offset, Offset(2));
}

#[tokio::test]
async fn a_session_whose_publish_nobody_knows_of_ends_and_its_client_is_told() {
    let engine = SlowEngine::new(LATENCY);
    let server = server_with(&engine, |settings| settings.engine_timeout = Duration::from_millis(100));
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    engine.fail_next(EngineFault::Silence);
    ann.publish(1, "lobby", "one").await;
    ann.publish(2, "lobby", "two").await;
    let code = CloseCode::TRY_AGAIN_LATER;
    assert_eq!(ann.closed().await, (Some(code), code));
    let (mut ann, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.outcome, Outcome::Replaced);
    ann.subscribe(1, "lobby", Start::Last(9)).await;
    assert_eq!(ann.message().await.text(), "one");
    ann.round_trip().await;
}

#[tokio::test]
async fn a_publish_that_may_be_in_a_lost_log_is_not_repeated_in_the_next() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    engine.fail_next(EngineFault::LostAfter);
    ann.publish(1, "lobby", "one").await;
    assert_eq!(bob.message().await.text(), "one");
    // The server asks again after a pause, and by then or later the log is another.
    engine.lose_everything();
    assert_eq!(ann.closed().await.0, Some(CloseCode::TRY_AGAIN_LATER));
    let Heard::Gap(gap) = bob.next().await else {
        panic!("no gap")
    };
    assert_eq!(
        (gap.cause, gap.from, gap.resume.offset),
        (GapCause::LogLost, Offset(2), Offset(0))
    );
    bob.round_trip().await;
}

#[tokio::test]
async fn a_lost_log_is_told_and_publishing_goes_on() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    let begun = ann.subscribe(1, "lobby", Start::Now).await;
    ann.publish(1, "lobby", "old").await;
    let old = ann.published(1).await;
    engine.lose_everything();
    loop {
        match ann.next().await {
            Heard::Message(said) => assert_eq!(said.text(), "old"),
            Heard::Gap(gap) => {
                assert_eq!((gap.cause, gap.from), (GapCause::LogLost, Offset(2)));
                assert_ne!(gap.resume.epoch, begun.position.epoch);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    ann.publish(2, "lobby", "new").await;
    let new = ann.published(2).await;
    assert_eq!((old.offset, new.offset), (Offset(1), Offset(1)));
    assert_ne!(old.epoch, new.epoch);
    // What was answered stays answered.
    ann.publish(1, "lobby", "old").await;
    assert_eq!(ann.published(1).await, old);
}

#[tokio::test]
async fn a_room_that_cannot_be_opened_is_refused_and_can_be_opened_later() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    engine.refuse_to_follow(true);
    ann.ask(1, "lobby", Start::Now, tidewire_tests::Presence::Untold).await;
    let Heard::Refused(refused_) = ann.next().await else {
        panic!("not refused")
    };
    assert_eq!(refused_.code, RefusalCode::UNAVAILABLE);
    ann.publish(1, "lobby", "x").await;
    assert_eq!(ann.next().await, refused(1, RefusalCode::UNAVAILABLE));
    engine.refuse_to_follow(false);
    ann.subscribe(2, "lobby", Start::Now).await;
}

#[tokio::test]
async fn a_subscription_can_be_given_up_while_its_room_opens() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let (mut ann, _) = Wire::join(server.address()).await;
    engine.stop();
    ann.ask(1, "lobby", Start::Now, tidewire_tests::Presence::Untold).await;
    let request = tidewire_protocol::Request(1);
    ann.say(tidewire_protocol::frame::ClientFrame::Unsubscribe { request })
        .await;
    assert_eq!(ann.next().await, Heard::Unsubscribed(request));
    ann.ask(2, "lobby", Start::Now, tidewire_tests::Presence::Untold).await;
    ann.round_trip().await;
    engine.go_on();
    ann.subscribed(2).await;
    ann.round_trip().await;
}

#[tokio::test]
async fn two_servers_on_one_engine_say_the_same_and_know_each_others_positions() {
    let engine = SlowEngine::new(LATENCY);
    let (one, two) = (server(&engine), server(&engine));
    let (mut ann, _) = Wire::join(one.address()).await;
    let (mut bob, _) = Wire::join(two.address()).await;
    let (here, there) = (
        ann.subscribe(1, "lobby", Start::Now).await,
        bob.subscribe(1, "lobby", Start::Now).await,
    );
    assert_eq!(here.position, there.position);
    ann.publish(1, "lobby", "from one").await;
    let position = ann.published(1).await;
    bob.publish(1, "lobby", "from two").await;
    bob.published(1).await;
    drop((ann, bob));
    // Ann goes on at the other server, where nobody knows her session: the position is enough.
    let (mut ann, _) = Wire::join(two.address()).await;
    ann.subscribe(1, "lobby", Start::After(position)).await;
    let said = ann.message().await;
    assert_eq!((said.text(), said.offset), ("from two", Offset(2)));
    assert_eq!(engine.followers("lobby"), 2);
}

#[tokio::test]
async fn a_server_that_follows_late_has_the_past() {
    let engine = SlowEngine::new(LATENCY);
    let (one, two) = (server(&engine), server(&engine));
    let lobby = one.tidewire().room("lobby").expect("a name");
    for number in 1..=10 {
        lobby.publish(number.to_string()).await.expect("published");
    }
    let (mut bob, _) = Wire::join(two.address()).await;
    bob.subscribe(1, "lobby", Start::Last(3)).await;
    for number in 8..=10 {
        assert_eq!(bob.message().await.text(), number.to_string());
    }
}

#[tokio::test]
async fn a_keyed_publish_is_repeated_until_it_is_known_and_one_without_a_key_is_not() {
    let engine = SlowEngine::new(LATENCY);
    let server = server(&engine);
    let lobby = server.tidewire().room("lobby").expect("a name");
    engine.fail_next(EngineFault::LostAfter);
    let position = lobby.publish_once("k", "one").await.expect("published");
    assert_eq!(position.offset, Offset(1));
    engine.fail_next(EngineFault::LostAfter);
    let error = lobby.publish("two").await.expect_err("nobody knows");
    assert_eq!((error.cause, error.payload), (NotPublished::Unknown, "two".into()));
    assert_eq!(lobby.head().map(|head| head.offset), Some(Offset(2)));
}

#[tokio::test]
async fn more_than_may_wait_for_the_engine_is_not_read() {
    let engine = SlowEngine::new(Duration::ZERO);
    let server = server_with(&engine, |settings| settings.max_waiting_bytes = 64 << 10);
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.publish(1, "lobby", "opens the room").await;
    ann.published(1).await;
    engine.stop();
    let large = "x".repeat(30 << 10);
    for sequence in 2..=6 {
        ann.publish(sequence, "lobby", &large).await;
    }
    // One is with the engine, and three wait: more than may, so that the ping, more than a read away, is not read.
    ann.publish(7, "lobby", "small").await;
    let silent = tokio::time::timeout(Duration::from_millis(200), ann.round_trip()).await;
    assert!(silent.is_err());
    engine.go_on();
    let mut expected = 2;
    let mut is_answered = false;
    while expected <= 7 || !is_answered {
        match ann.next().await {
            Heard::Published(sequence, _) => {
                assert_eq!(sequence, Sequence(expected));
                expected += 1;
            }
            Heard::Pong => is_answered = true,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_publish_more_than_may_be_unanswered_breaks_the_terms() {
    let engine = SlowEngine::new(Duration::ZERO);
    let server = server_with(&engine, |settings| settings.max_unanswered = 3);
    let (mut ann, _) = Wire::join(server.address()).await;
    engine.stop();
    for sequence in 1..=3 {
        ann.publish(sequence, "lobby", "x").await;
    }
    ann.round_trip().await;
    ann.publish(4, "lobby", "x").await;
    assert_eq!(ann.closed().await.0, Some(CloseCode::TERMS_BROKEN));
}

#[tokio::test]
async fn a_room_that_nobody_needs_is_no_longer_followed() {
    let engine = SlowEngine::new(Duration::ZERO);
    let server = server_with(&engine, |settings| {
        settings.room_ttl = Duration::ZERO;
        settings.retention.max_age = Duration::ZERO;
    });
    let lobby = server.tidewire().room("lobby").expect("a name");
    let subscription = lobby.subscribe(Start::Now).await.expect("a subscription");
    lobby.publish("x").await.expect("published");
    assert_eq!(engine.followers("lobby"), 1);
    drop(subscription);
    until(async || engine.followers("lobby") == 0).await;
    assert_eq!(server.tidewire().rooms(), 0);
    assert_eq!(lobby.publish("y").await.map(|position| position.offset), Ok(Offset(2)));
}
