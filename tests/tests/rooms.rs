//! Rooms over `/ws`: joining, order, history, resuming, gaps, take-over.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Epoch, Offset, Position, Request, Sequence, SessionId,
    frame::{ClientFrame, Close, GapCause, Hello, Outcome, Start, Token, VERSION},
};
use tidewire_tests::{Heard, Server, Wire, until};

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

#[tokio::test]
async fn of_the_past_one_gets_as_much_as_one_asks_for_and_the_room_keeps() {
    let server = Server::start(|settings| settings.retention.max_messages = 10);
    let lobby = server.tidewire().room("lobby").expect("a name");
    for number in 1..=12 {
        lobby.publish(number.to_string()).await.expect("published");
    }
    for (asked, first) in [(0, 13), (1, 12), (10, 3), (11, 3), (u32::MAX, 3)] {
        let (mut ann, _) = Wire::join(server.address()).await;
        let begun = ann.subscribe(1, "lobby", Start::Last(asked)).await;
        assert_eq!(begun.position.offset, Offset(first - 1));
        for number in first..=12 {
            assert_eq!(ann.message().await.text(), number.to_string(), "{asked}");
        }
        ann.round_trip().await;
    }
}

#[tokio::test]
async fn who_missed_more_than_is_kept_gets_one_gap_before_what_follows() {
    let server = Server::start(|settings| settings.retention.max_messages = 10);
    let lobby = server.tidewire().room("lobby").expect("a name");
    let first = lobby.publish("1").await.expect("published");
    for number in 2..=15 {
        lobby.publish(number.to_string()).await.expect("published");
    }
    let (mut ann, _) = Wire::join(server.address()).await;
    let begun = ann.subscribe(1, "lobby", Start::After(first)).await;
    assert_eq!(begun.position, first);
    let Heard::Gap(gap) = ann.next().await else {
        panic!("no gap")
    };
    assert_eq!((gap.cause, gap.from), (GapCause::Evicted, Offset(2)));
    assert_eq!((gap.resume.epoch, gap.resume.offset), (first.epoch, Offset(5)));
    for number in 6..=15 {
        assert_eq!(ann.message().await.text(), number.to_string());
    }
    ann.round_trip().await;
}

#[tokio::test]
async fn a_position_of_another_life_of_the_log_is_told_as_lost() {
    let server = Server::start_default();
    let lobby = server.tidewire().room("lobby").expect("a name");
    let position = lobby.publish("1").await.expect("published");
    let other = Position {
        epoch: Epoch(!position.epoch.0),
        offset: Offset(70),
    };
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::After(other)).await;
    let Heard::Gap(gap) = ann.next().await else {
        panic!("no gap")
    };
    assert_eq!(
        (gap.cause, gap.from, gap.resume.offset),
        (GapCause::LogLost, Offset(71), Offset(0))
    );
    assert_eq!(ann.message().await.text(), "1");
}

#[tokio::test]
async fn a_subscriber_that_reads_too_slowly_gets_a_gap_and_goes_on() {
    let server = Server::start(|settings| settings.retention.max_bytes = 256 << 10);
    let mut slow = Wire::open_with_small_buffer(server.address()).await;
    slow.hello(None, 1, 0).await;
    slow.subscribe(1, "lobby", Start::Now).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    let (mut quick, _) = Wire::join(server.address()).await;
    quick.subscribe(1, "lobby", Start::Now).await;
    let large = "x".repeat(30 << 10);
    // Far more than the kernel's buffers, the connection's own and the log can hold together.
    const COUNT: u64 = 600;
    for number in 1..=COUNT {
        lobby.publish(large.as_str()).await.expect("published");
        assert_eq!(quick.message().await.offset, Offset(number));
    }
    let (mut next, mut gaps) = (1, 0);
    while next <= COUNT {
        match slow.next().await {
            Heard::Message(said) => {
                assert_eq!(said.offset, Offset(next));
                next += 1;
            }
            Heard::Gap(gap) => {
                assert_eq!((gap.cause, gap.from), (GapCause::Evicted, Offset(next)));
                next = gap.resume.offset.0 + 1;
                gaps += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(gaps > 0, "it was never behind");
    lobby.publish("more").await.expect("published");
    assert_eq!(slow.message().await.text(), "more");
}

#[tokio::test]
async fn after_unsubscribing_nothing_more_comes_and_one_may_subscribe_again() {
    let server = Server::start_default();
    let lobby = server.tidewire().room("lobby").expect("a name");
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let request = Request(1);
    ann.say(ClientFrame::Unsubscribe { request }).await;
    assert_eq!(ann.next().await, Heard::Unsubscribed(request));
    let position = lobby.publish("unseen").await.expect("published");
    ann.round_trip().await;
    ann.subscribe(2, "lobby", Start::After(position)).await;
    lobby.publish("seen").await.expect("published");
    assert_eq!(ann.message().await.text(), "seen");
}

#[tokio::test]
async fn a_session_that_has_expired_or_ended_is_replaced() {
    let server = Server::start(|settings| settings.session_ttl = Duration::from_millis(50));
    let (ann, old) = Wire::join(server.address()).await;
    drop(ann);
    until(async || server.tidewire().sessions() == 0).await;
    let (mut ann, new) = Wire::resume(server.address(), old.session, 2, 0).await;
    assert_eq!((new.outcome, new.settled), (Outcome::Replaced, Sequence(0)));
    assert_ne!((new.session, &new.member), (old.session, &old.member));
    let code = CloseCode::NORMAL;
    ann.say(ClientFrame::Close(Close { code, reason: "bye" })).await;
    assert_eq!(ann.closed().await, (None, code));
    let (_, newer) = Wire::resume(server.address(), new.session, 3, 0).await;
    assert_eq!(newer.outcome, Outcome::Replaced);
}

#[tokio::test]
async fn a_hello_that_a_later_one_has_overtaken_does_not_take_the_session_back() {
    let server = Server::start_default();
    let (ann, welcomed) = Wire::join(server.address()).await;
    drop(ann);
    let (mut later, _) = Wire::resume(server.address(), welcomed.session, 3, 0).await;
    let mut late = Wire::open(server.address()).await;
    late.say(hello(VERSION, Some(welcomed.session), 2)).await;
    assert_eq!(
        late.closed().await,
        (Some(CloseCode::TAKEN_OVER), CloseCode::TAKEN_OVER)
    );
    later.round_trip().await;
}

#[tokio::test]
async fn who_breaks_the_protocol_is_told_how() {
    let server = Server::start_default();
    for (batch, code) in [
        (&[0x12, 1, 0][..], CloseCode::PROTOCOL_ERROR),
        (&[0x01, 1, 1], CloseCode::PROTOCOL_ERROR),
        (&[0x10, 0xff], CloseCode::PROTOCOL_ERROR),
    ] {
        let mut wire = Wire::open(server.address()).await;
        wire.say_bytes(batch).await;
        assert_eq!(wire.closed().await, (Some(code), code), "{batch:?}");
    }
    let mut wire = Wire::open(server.address()).await;
    wire.say(hello(VERSION + 1, None, 1)).await;
    let code = CloseCode::UNSUPPORTED_VERSION;
    assert_eq!(wire.closed().await, (Some(code), code));
    let mut wire = Wire::open(server.address()).await;
    wire.client().send("text").await;
    assert_eq!(wire.closed().await.1, CloseCode::UNSUPPORTED_DATA);
    let (mut wire, _) = Wire::join(server.address()).await;
    wire.say(hello(VERSION, None, 2)).await;
    assert_eq!(wire.closed().await.0, Some(CloseCode::PROTOCOL_ERROR));
    let (mut wire, _) = Wire::join(server.address()).await;
    wire.publish(2, "lobby", "a hole before it").await;
    assert_eq!(wire.closed().await.0, Some(CloseCode::TERMS_BROKEN));
}

#[tokio::test]
async fn a_close_with_a_code_that_may_not_be_sent_is_answered_with_1000() {
    let server = Server::start_default();
    let (mut ann, welcomed) = Wire::join(server.address()).await;
    let code = CloseCode::ABNORMAL;
    ann.say(ClientFrame::Close(Close { code, reason: "" })).await;
    assert_eq!(ann.closed().await.1, CloseCode::NORMAL);
    // The session was not ended by it.
    let (_, again) = Wire::resume(server.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.outcome, Outcome::Resumed);
}

#[tokio::test]
async fn who_does_not_say_hello_or_is_silent_is_closed() {
    let server = Server::start(|settings| {
        settings.hello_timeout = Duration::from_millis(50);
        settings.ping_interval = Duration::from_millis(60);
        settings.silence_timeout = Duration::from_millis(200);
    });
    let wire = Wire::open(server.address()).await;
    assert_eq!(wire.closed().await, (Some(CloseCode::NO_HELLO), CloseCode::NO_HELLO));
    let (wire, _) = Wire::join(server.address()).await;
    assert_eq!(wire.closed().await, (Some(CloseCode::SILENT), CloseCode::SILENT));
    // Who answers pings is kept: five take longer than a silence may last.
    let (mut ann, _) = Wire::join(server.address()).await;
    ann.answer_pings(5).await;
    ann.round_trip().await;
}

#[tokio::test]
async fn a_server_that_shuts_down_says_so_in_the_protocol_and_below() {
    let server = Server::start_default();
    let (mut ann, _) = Wire::join(server.address()).await;
    server.tidewire().go_away(Duration::ZERO, Duration::from_secs(1));
    assert_eq!(ann.next().await, Heard::GoAway);
    let (closed, ()) = tokio::join!(ann.closed(), server.tidewire().shutdown());
    assert_eq!(closed, (Some(CloseCode::GOING_AWAY), CloseCode::GOING_AWAY));
}

fn hello(version: u32, session: Option<SessionId>, attempt: u64) -> ClientFrame<'static> {
    ClientFrame::Hello(Hello {
        version,
        attempt,
        session,
        answered: Sequence(0),
        token: Token::default(),
    })
}
