//! Two servers on one engine: any of them can answer any request of a session.

use std::{sync::Arc, time::Duration};

use tidewire_protocol::{
    CloseCode, MemberId, Offset, Sequence,
    frame::{ClientFrame, Outcome, PresenceWanted, Start},
};
use tidewire_server::{Settings, Tidewire};
use tidewire_tests::{
    EngineFault, Heard, Over, Poller, Presence, Server, SlowEngine, Visitor, Wire,
    polls::{offsets, publish},
    tokens, until,
};

const LATENCY: Duration = Duration::from_millis(2);

fn servers_with(engine: &SlowEngine, change: impl Fn(&mut Settings)) -> [Server; 2] {
    [(); 2].map(|()| {
        let mut settings = Settings::default();
        change(&mut settings);
        let builder = Tidewire::builder().settings(settings).engine(Arc::new(engine.clone()));
        Server::serve(builder.build())
    })
}

fn servers() -> (SlowEngine, [Server; 2]) {
    let engine = SlowEngine::sharing(LATENCY);
    let servers = servers_with(&engine, |_| {});
    (engine, servers)
}

#[tokio::test]
async fn nobody_has_the_session_of_another_at_any_server() {
    let engine = SlowEngine::sharing(LATENCY);
    let [here, there] = [(); 2].map(|()| {
        let builder = Tidewire::builder()
            .access(tokens::jwt())
            .engine(Arc::new(engine.clone()));
        Server::serve(builder.build())
    });
    let everything = serde_json::json!({ "**": tokens::all() });
    for over in Over::ALL {
        let mut ada = Visitor::new(over, here.address(), tokens::token("ada", &everything));
        assert_eq!(ada.publish_and_wait("lobby", "mine").await, Ok(()));
        for server in [&here, &there] {
            let mut bob = Visitor::new(over, server.address(), tokens::token("bob", &everything));
            bob.session = ada.session;
            assert_eq!(bob.closed().await, Some(CloseCode::UNAUTHORIZED));
        }
        assert_eq!(ada.publish_and_wait("lobby", "mine too").await, Ok(()));
    }
}

/// A session whose subscription has begun: a welcome to a new one does not wait for its rooms. The second is the last answer.
async fn begin(server: &Server, presence: PresenceWanted) -> (Poller, Vec<Heard>) {
    let mut poller = Poller::new(server.address());
    poller.wants.presence = presence;
    loop {
        let answer = poller.poll(&[]).await;
        if answer.iter().any(|heard| matches!(heard, Heard::Subscribed(_))) {
            return (poller, answer);
        }
    }
}

/// A poll at another server than the last.
async fn poll_at(server: &Server, poller: &mut Poller, frames: &[ClientFrame<'_>]) -> Vec<Heard> {
    poller.address = server.address();
    poller.poll(frames).await
}

fn welcome(answer: &[Heard]) -> (Outcome, &str, Sequence) {
    match answer.first() {
        Some(Heard::Welcome(welcomed)) => (welcomed.outcome, &welcomed.member, welcomed.settled),
        other => panic!("{other:?} where a welcome was expected"),
    }
}

#[tokio::test]
async fn a_session_that_polls_at_two_servers_by_turns_loses_and_doubles_nothing() {
    let (engine, servers) = servers();
    let (mut ann, answer) = begin(&servers[0], PresenceWanted::Nothing).await;
    let (mut seen, mut member) = (offsets(&answer), None);
    for number in 1..=200 {
        let text = number.to_string();
        let server = &servers[number as usize % 2];
        let answer = poll_at(server, &mut ann, &[publish(number, &text)]).await;
        let (outcome, name, _) = welcome(&answer);
        assert_eq!(
            (outcome, member.get_or_insert(name.to_owned()).as_str()),
            (Outcome::Resumed, name)
        );
        seen.extend(offsets(&answer));
    }
    while seen.len() < 200 {
        seen.extend(offsets(&ann.poll(&[]).await));
    }
    assert_eq!(seen, (1..=200).map(Offset).collect::<Vec<_>>());
    assert_eq!(engine.sessions(), 1);
}

#[tokio::test]
async fn a_websocket_is_taken_over_by_the_other_server_and_closed_by_its_own() {
    let (_, [one, two]) = servers();
    let (mut ann, welcomed) = Wire::join(one.address()).await;
    let begun = ann.subscribe(1, "lobby", Start::Now).await;
    ann.publish(1, "lobby", "by one").await;
    let position = ann.published(1).await;
    let (mut again, resumed) = Wire::resume(two.address(), welcomed.session, 2, 0).await;
    assert_eq!((resumed.outcome, resumed.settled), (Outcome::Resumed, Sequence(1)));
    assert_eq!(resumed.member, welcomed.member);
    assert_eq!(again.next().await, Heard::Published(Sequence(1), position));
    let code = CloseCode::TAKEN_OVER;
    assert_eq!(ann.closed().await, (Some(code), code));
    again.subscribe(2, "lobby", Start::After(begun.position)).await;
    assert_eq!(again.message().await.text(), "by one");
    again.publish(2, "lobby", "by two").await;
    assert_eq!(again.published(2).await.offset, Offset(2));
}

#[tokio::test]
async fn publishes_under_way_at_a_take_over_are_accepted_once_and_in_order() {
    let engine = SlowEngine::sharing(LATENCY);
    let [one, two] = servers_with(&engine, |_| {});
    let (mut ann, welcomed) = Wire::join(one.address()).await;
    for sequence in 1..=20 {
        ann.publish(sequence, "lobby", &sequence.to_string()).await;
    }
    ann.published(3).await;
    // The others are with the first server, which goes on.
    let (mut again, resumed) = Wire::resume(two.address(), welcomed.session, 2, 0).await;
    assert_eq!(resumed.outcome, Outcome::Resumed);
    assert!(resumed.settled >= Sequence(3), "{resumed:?}");
    for sequence in resumed.settled.0 + 1..=20 {
        again.publish(sequence, "lobby", &sequence.to_string()).await;
    }
    for sequence in 1..=20 {
        assert_eq!(again.published(sequence).await.offset, Offset(sequence));
    }
    again.subscribe(1, "lobby", Start::Last(100)).await;
    for sequence in 1..=20 {
        assert_eq!(again.message().await.text(), sequence.to_string());
    }
    again.round_trip().await;
}

#[tokio::test]
async fn what_one_server_has_on_its_way_to_the_engine_comes_to_nothing_once_another_has_the_session() {
    let (engine, [one, two]) = servers();
    let (mut ann, welcomed) = Wire::join(one.address()).await;
    ann.publish(1, "lobby", "one").await;
    ann.published(1).await;
    // The second is not appended, and the first server asks again after a pause.
    engine.fail_next(EngineFault::LostBefore);
    ann.publish(2, "lobby", "two").await;
    let asked = engine.asked();
    until(async || engine.asked() > asked).await;
    let (mut again, resumed) = Wire::resume(two.address(), welcomed.session, 2, 1).await;
    assert_eq!((resumed.outcome, resumed.settled), (Outcome::Resumed, Sequence(1)));
    // Nobody knows of it but the first server, and to go on is the client's choice.
    until(async || engine.asked() > asked + 1).await;
    again.publish(2, "lobby", "two").await;
    assert_eq!(again.published(2).await.offset, Offset(2));
    again.subscribe(1, "lobby", Start::Last(100)).await;
    assert_eq!(again.message().await.text(), "one");
    assert_eq!(again.message().await.text(), "two");
    again.round_trip().await;
}

#[tokio::test]
async fn a_session_that_ended_at_one_server_is_over_at_the_other() {
    let (engine, [one, two]) = servers();
    let (mut ann, welcomed) = Wire::join(one.address()).await;
    ann.say(ClientFrame::Close(tidewire_protocol::frame::Close {
        code: CloseCode::NORMAL,
        reason: "",
    }))
    .await;
    ann.closed().await;
    until(async || engine.sessions() == 0).await;
    let (mut ann, again) = Wire::resume(two.address(), welcomed.session, 2, 7).await;
    assert_eq!((again.outcome, again.settled), (Outcome::Replaced, Sequence(0)));
    assert_ne!(again.member, welcomed.member);
    ann.publish(1, "lobby", "the first of another session").await;
    assert_eq!(ann.published(1).await.offset, Offset(1));
}

#[tokio::test]
async fn a_session_that_nobody_uses_expires_everywhere() {
    let engine = SlowEngine::sharing(LATENCY);
    let [one, two] = servers_with(&engine, |settings| settings.session_ttl = Duration::from_millis(1));
    let (ann, welcomed) = Wire::join(one.address()).await;
    drop(ann);
    one.wait_for_open(0).await;
    until(async || one.tidewire().sessions() == 0).await;
    let (_, again) = Wire::resume(two.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.outcome, Outcome::Replaced);
}

#[tokio::test]
async fn a_session_that_one_server_holds_open_does_not_expire() {
    let engine = SlowEngine::sharing(LATENCY);
    let [one, two] = servers_with(&engine, |settings| settings.session_ttl = Duration::from_millis(1));
    let (mut ann, welcomed) = Wire::join(one.address()).await;
    // Others come and go, and theirs expire.
    for _ in 0..5 {
        drop(Wire::join(two.address()).await);
    }
    two.wait_for_open(0).await;
    until(async || two.tidewire().sessions() == 0).await;
    ann.round_trip().await;
    let (_, again) = Wire::resume(two.address(), welcomed.session, 2, 0).await;
    assert_eq!(again.outcome, Outcome::Resumed);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_at_hello_holds_nobody_else_up() {
    let engine = SlowEngine::sharing(LATENCY);
    let [one, _two] = servers_with(&engine, |settings| settings.engine_timeout = Duration::from_millis(100));
    let (mut ann, _) = Wire::join(one.address()).await;
    engine.stop();
    let mut late = Wire::open(one.address()).await;
    late.say(ClientFrame::Hello(tidewire_protocol::frame::Hello {
        version: tidewire_protocol::frame::VERSION,
        attempt: 1,
        session: None,
        answered: Sequence(0),
        token: tidewire_protocol::frame::Token::default(),
    }))
    .await;
    ann.round_trip().await;
    let code = CloseCode::TRY_AGAIN_LATER;
    assert_eq!(late.closed().await, (Some(code), code));
    let mut poller = Poller::new(one.address());
    assert_eq!(poller.poll(&[]).await, [Heard::Close(code)]);
    engine.go_on();
    assert_eq!(welcome(&poller.poll(&[]).await).0, Outcome::New);
}

#[tokio::test]
async fn who_is_there_is_the_same_at_both_servers_and_a_member_that_polls_at_both_does_not_flicker() {
    let engine = SlowEngine::sharing(LATENCY);
    let [one, two] = servers_with(&engine, |settings| settings.presence_grace = Duration::from_secs(1));
    let (mut bob, bobs) = Wire::join(one.address()).await;
    bob.ask(1, "lobby", Start::Now, Presence::Told).await;
    bob.subscribed(1).await;
    bob.next().await;
    let (mut ann, answer) = begin(&two, PresenceWanted::List).await;
    let members = answer.iter().find_map(|heard| match heard {
        Heard::Present(members, _) => Some(members),
        _ => None,
    });
    let anns = welcome(&answer).1.to_owned();
    assert_eq!(bob.next().await, Heard::Joined(anns.clone()));
    let mut both = [anns.clone(), bobs.member.clone()];
    both.sort();
    assert_eq!(members, Some(&both.to_vec()));
    let both = both.map(|name| MemberId::new(&name).expect("a name"));
    ann.wants.presence = PresenceWanted::Changes(both.iter().collect());
    for number in 1..=20 {
        let server = [&one, &two][number as usize % 2];
        let answer = poll_at(server, &mut ann, &[publish(number, "news")]).await;
        assert!(
            !answer
                .iter()
                .any(|heard| matches!(heard, Heard::Present(..) | Heard::Joined(_) | Heard::Left(_))),
            "{answer:?}"
        );
        assert_eq!(bob.message().await.offset, Offset(number));
    }
    bob.round_trip().await;
    // A room that it no longer asks for is left, once.
    ann.wants.room = "elsewhere";
    ann.wants.start = Start::Now;
    for server in [&one, &two, &one] {
        ann.wants.presence = PresenceWanted::List;
        poll_at(server, &mut ann, &[]).await;
    }
    assert_eq!(bob.next().await, Heard::Left(anns));
    bob.round_trip().await;
}
