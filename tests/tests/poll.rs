//! `POST /poll`: joining, waiting, resuming, take-over, presence, and moving between it and `/ws`.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, MemberId, Offset, Request, Sequence, SessionId,
    frame::{ClientFrame, Outcome, Payload, PresenceWanted, Start},
};
use tidewire_tests::{
    Heard, Poller, Presence, Server, Wire,
    polls::{Waiting, offsets, publish},
    until, within,
};

/// Polls, and returns once the server waits for news for it.
async fn waiting(server: &Server, poller: &mut Poller) -> Waiting {
    let opened = server.tidewire().connections().borrow().opened;
    let waiting = poller.send(&[]).await;
    let mut connections = server.tidewire().connections();
    within(connections.wait_for(|it| it.opened == opened + 1))
        .await
        .expect("the server runs");
    until(async || server.tidewire().room("lobby").expect("a name").subscribers() > 0).await;
    waiting
}

fn outcome(answer: &[Heard]) -> Outcome {
    match answer.first() {
        Some(Heard::Welcome(welcomed)) => welcomed.outcome,
        other => panic!("{other:?} where a welcome was expected"),
    }
}

async fn say(server: &Server, text: &str) -> Offset {
    let lobby = server.tidewire().room("lobby").expect("a name");
    lobby.publish(text).await.expect("published").offset
}

#[tokio::test]
async fn one_poll_is_enough_to_join_to_publish_and_to_see_it() {
    let server = Server::start_default();
    let before = say(&server, "before").await;
    let mut ann = Poller::new(server.address());
    ann.wants.start = Start::Last(10);
    let answer = ann.poll(&[publish(1, "hello")]).await;
    assert_eq!(outcome(&answer), Outcome::New);
    assert!(matches!(answer[1], Heard::Subscribed(_)), "{answer:?}");
    assert!(matches!(answer[2], Heard::Published(Sequence(1), _)), "{answer:?}");
    assert_eq!(offsets(&answer), [before, before.next()]);
}

#[tokio::test]
async fn a_poll_waits_and_is_answered_by_a_message() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let waiting = waiting(&server, &mut ann).await;
    assert_eq!(server.tidewire().connections().borrow().open, 1);
    let offset = say(&server, "news").await;
    let answer = waiting.answer().await;
    assert_eq!((outcome(&answer), offsets(&answer)), (Outcome::Resumed, vec![offset]));
    server.wait_for_open(0).await;
}

#[tokio::test]
async fn a_poll_without_news_is_answered_by_a_ping() {
    let server = Server::start(|settings| settings.ping_interval = Duration::from_millis(50));
    let mut ann = Poller::join(server.address()).await;
    let answer = ann.poll(&[]).await;
    assert!(
        matches!(answer[..], [Heard::Welcome(_), Heard::Subscribed(_), Heard::Ping]),
        "{answer:?}"
    );
}

#[tokio::test]
async fn of_a_thousand_messages_none_is_lost_or_doubled_though_every_third_answer_is() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let (mut said, mut seen, mut polls) = (0, Vec::new(), 0);
    while seen.len() < 1000 {
        // Sometimes before a poll and sometimes while it waits.
        let burst = (polls % 7 + 1).min(1000 - said);
        let sent = if polls % 2 == 0 {
            None
        } else {
            Some(ann.send(&[]).await)
        };
        for _ in 0..burst {
            say(&server, "one of them").await;
        }
        said += burst;
        let sent = match sent {
            Some(sent) => sent,
            None => ann.send(&[]).await,
        };
        polls += 1;
        if polls % 3 == 0 && said < 1000 {
            // The client has gone, or the answer is lost on its way.
            drop(sent);
            continue;
        }
        let answer = sent.answer().await;
        assert_eq!(outcome(&answer), Outcome::Resumed);
        ann.take(&answer);
        seen.extend(offsets(&answer));
    }
    assert_eq!(seen, (1..=1000).map(Offset).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_does_not_fit_into_an_answer_comes_with_the_next() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let large = "x".repeat(60 << 10);
    for _ in 0..6 {
        say(&server, &large).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 6 {
        let some = offsets(&ann.poll(&[]).await);
        assert!((1..=2).contains(&some.len()), "{some:?}");
        seen.extend(some);
    }
    assert_eq!(seen, (1..=6).map(Offset).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_later_poll_takes_over_and_the_one_that_waits_is_answered_at_once() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let mut first = waiting(&server, &mut ann).await;
    let second = ann.send(&[]).await;
    let answer = first.heard().await;
    assert_eq!(answer.last(), Some(&Heard::Close(CloseCode::TAKEN_OVER)));
    // Its connection can be used for what is sent beside the one that waits now.
    let third = ann.send_on(first.into_raw(), &[publish(1, "beside")]).await;
    assert_eq!(second.answer().await.last(), Some(&Heard::Close(CloseCode::TAKEN_OVER)));
    let answer = third.answer().await;
    assert!(matches!(answer[2], Heard::Published(Sequence(1), _)), "{answer:?}");
    assert_eq!(offsets(&answer), [Offset(1)]);
}

#[tokio::test]
async fn a_poll_that_a_later_one_has_overtaken_is_closed_and_nothing_of_it_is_done() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let attempt = ann.attempt;
    ann.attempt += 1;
    let waiting = waiting(&server, &mut ann).await;
    ann.attempt = attempt;
    let late = ann.send(&[publish(1, "late")]).await.answer().await;
    assert_eq!(late, [Heard::Close(CloseCode::TAKEN_OVER)]);
    let offset = say(&server, "the first message").await;
    assert_eq!(offset, Offset(1));
    assert_eq!(offsets(&waiting.answer().await), [offset]);
}

#[tokio::test]
async fn a_publish_that_two_polls_carry_is_accepted_once_and_answered_alike() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let lost = ann.send(&[publish(1, "once")]).await.answer().await;
    let position = ann.position();
    let again = ann.poll(&[publish(1, "once"), publish(2, "and another")]).await;
    let answers: Vec<&Heard> = again
        .iter()
        .filter(|heard| matches!(heard, Heard::Published(Sequence(1), _)))
        .collect();
    // One after the welcome, since the client may not have it, and one for each time it is sent.
    assert!(
        answers.len() == 2 && answers.iter().all(|answer| lost.contains(answer)),
        "{again:?}"
    );
    assert_eq!(offsets(&again), [position.offset.next(), position.offset.next().next()]);
    let settled = ann.poll(&[publish(3, "and a third")]).await;
    assert!(
        !settled
            .iter()
            .any(|heard| matches!(heard, Heard::Published(Sequence(1 | 2), _)))
    );
}

#[tokio::test]
async fn what_is_said_for_a_session_that_is_no_more_is_not_done() {
    let server = Server::start_default();
    let mut ann = Poller::new(server.address());
    let gone = SessionId([7; 16]);
    ann.session = Some(gone);
    let answer = ann.poll(&[publish(1, "for another session")]).await;
    assert_eq!((outcome(&answer), answer.len()), (Outcome::Replaced, 1));
    assert_ne!(ann.session, Some(gone));
    assert_eq!(server.tidewire().rooms(), 0);
    let answer = ann.poll(&[publish(1, "for this one")]).await;
    assert_eq!(outcome(&answer), Outcome::Resumed);
    assert!(answer.contains(&Heard::Published(
        Sequence(1),
        tidewire_protocol::Position {
            offset: Offset(1),
            ..ann.position()
        }
    )));
}

#[tokio::test]
async fn a_session_moves_from_ws_to_polls_and_back_and_loses_nothing() {
    let server = Server::start_default();
    let (mut wire, welcomed) = Wire::join(server.address()).await;
    let begun = wire.subscribe(1, "lobby", Start::Now).await;
    say(&server, "1").await;
    assert_eq!(wire.message().await.offset, Offset(1));
    let mut ann = Poller::new(server.address());
    (ann.session, ann.attempt) = (Some(welcomed.session), 1);
    ann.wants.start = Start::After(begun.position);
    // The message before was not taken note of: polls begin where the client says.
    let sent = ann.send(&[]).await;
    assert_eq!(wire.closed().await.0, Some(CloseCode::TAKEN_OVER));
    let answer = sent.answer().await;
    assert_eq!(outcome(&answer), Outcome::Resumed);
    ann.take(&answer);
    say(&server, "2").await;
    let answer = ann.poll(&[publish(1, "3")]).await;
    let (mut seen, more) = ([offsets(&answer)].concat(), say(&server, "4").await);
    let session = ann.session.expect("a session");
    let (mut wire, again) = Wire::resume(server.address(), session, ann.attempt + 1, 1).await;
    assert_eq!((again.outcome, again.settled), (Outcome::Resumed, Sequence(1)));
    wire.subscribe(9, "lobby", Start::After(ann.position())).await;
    seen.push(wire.message().await.offset);
    assert_eq!(seen, [Offset(2), Offset(3), more]);
    wire.round_trip().await;
}

#[tokio::test]
async fn a_poll_whose_client_has_gone_leaves_its_session_to_wait() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    drop(waiting(&server, &mut ann).await);
    server.wait_for_open(0).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    assert_eq!((server.tidewire().sessions(), lobby.subscribers()), (1, 0));
    assert_eq!(lobby.presence().len(), 1);
    let offset = say(&server, "meanwhile").await;
    let answer = ann.poll(&[]).await;
    assert_eq!((outcome(&answer), offsets(&answer)), (Outcome::Resumed, vec![offset]));
}

#[tokio::test]
async fn others_do_not_see_that_a_member_polls() {
    let server = Server::start_default();
    let (mut bob, _) = Wire::join(server.address()).await;
    bob.ask(1, "lobby", Start::Now, Presence::Told).await;
    bob.subscribed(1).await;
    bob.next().await;
    let mut ann = Poller::join(server.address()).await;
    assert!(matches!(bob.next().await, Heard::Joined(_)));
    for number in 1..=20 {
        say(&server, "news").await;
        assert_eq!(offsets(&ann.poll(&[]).await), [Offset(number)]);
        assert_eq!(bob.message().await.offset, Offset(number));
    }
    bob.round_trip().await;
    // A room that a poll does not ask for is left.
    ann.wants.room = "elsewhere";
    ann.wants.start = Start::Now;
    ann.poll(&[]).await;
    assert!(matches!(bob.next().await, Heard::Left(_)));
}

#[tokio::test]
async fn who_is_there_is_told_to_polls_only_when_it_has_changed() {
    let server = Server::start_default();
    let mut ann = Poller::new(server.address());
    ann.wants.presence = PresenceWanted::List;
    let answer = ann.poll(&[]).await;
    let Some(Heard::Present(members, _)) = answer.get(2) else {
        panic!("{answer:?}")
    };
    let members: Vec<MemberId> = members
        .iter()
        .map(|name| MemberId::new(name).expect("a name"))
        .collect();
    let known = PresenceWanted::Changes(members.iter().collect());
    ann.wants.presence = known;
    let sent = waiting(&server, &mut ann).await;
    say(&server, "news").await;
    let answer = sent.answer().await;
    assert!(
        matches!(answer[..], [Heard::Welcome(_), Heard::Subscribed(_), Heard::Message(_)]),
        "{answer:?}"
    );
    ann.take(&answer);

    let sent = waiting(&server, &mut ann).await;
    let (mut bob, welcomed) = Wire::join(server.address()).await;
    bob.subscribe(1, "lobby", Start::Now).await;
    let answer = sent.answer().await;
    assert_eq!(answer[2..], [Heard::Joined(welcomed.member)]);
    // Who does not take that in is told the list.
    let answer = ann.poll(&[]).await;
    assert!(
        matches!(&answer[2..], [Heard::Present(members, _)] if members.len() == 2),
        "{answer:?}"
    );
    // On a WebSocket it is the same.
    let lobby = server.tidewire().room("lobby").expect("a name");
    let known = PresenceWanted::Changes(lobby.presence().iter().collect());
    bob.say(ClientFrame::Unsubscribe { request: Request(1) }).await;
    assert_eq!(bob.next().await, Heard::Unsubscribed(Request(1)));
    bob.say(ClientFrame::Subscribe(tidewire_protocol::frame::Subscribe {
        request: Request(2),
        start: Start::Now,
        presence: known,
        room: "lobby",
    }))
    .await;
    bob.subscribed(2).await;
    bob.round_trip().await;
}

#[tokio::test]
async fn a_signal_reaches_who_waits_and_nobody_later() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let lobby = server.tidewire().room("lobby").expect("a name");
    lobby.signal(Payload::Text("missed"));
    let sent = waiting(&server, &mut ann).await;
    lobby.signal(Payload::Text("heard"));
    assert_eq!(sent.answer().await[2..], [Heard::Signal(String::new(), "heard".into())]);
}

#[tokio::test]
async fn a_server_that_goes_away_says_so_to_polls_and_answers_them_all() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    let sent = waiting(&server, &mut ann).await;
    server.tidewire().go_away(Duration::ZERO, Duration::from_secs(1));
    assert_eq!(sent.answer().await[2..], [Heard::GoAway]);
    let sent = waiting(&server, &mut ann).await;
    let (answer, ()) = tokio::join!(sent.answer(), server.tidewire().shutdown());
    assert_eq!(answer[2..], [Heard::Close(CloseCode::GOING_AWAY)]);
    let answer = ann.poll(&[publish(1, "too late")]).await;
    assert_eq!(answer, [Heard::Close(CloseCode::GOING_AWAY)]);
    assert_eq!(server.tidewire().connections().borrow().open, 0);
}

#[tokio::test]
async fn a_session_that_was_between_two_polls_hears_once_that_the_server_goes_away() {
    let server = Server::start_default();
    let mut ann = Poller::join(server.address()).await;
    server.tidewire().go_away(Duration::ZERO, Duration::from_secs(1));
    assert_eq!(ann.poll(&[]).await[1], Heard::GoAway);
    let sent = waiting(&server, &mut ann).await;
    let offset = say(&server, "news").await;
    let answer = sent.answer().await;
    assert_eq!(
        (offsets(&answer), answer.contains(&Heard::GoAway)),
        (vec![offset], false)
    );
    // Who comes by now is told too.
    let (mut bob, _) = Wire::join(server.address()).await;
    assert_eq!(bob.next().await, Heard::GoAway);
    bob.round_trip().await;
}
