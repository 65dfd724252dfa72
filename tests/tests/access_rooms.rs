//! What the grants of a token mean in a room: history, presence, signals; the same over WebSocket and polls.

use serde_json::json;
use tidewire_protocol::{
    CloseCode, Offset, Position,
    frame::{Gap, GapCause, Outcome, Payload, PresenceWanted, RefusalCode, Start},
};
use tidewire_tests::{Heard, Over, Presence, Server, Visitor, Wire, tokens};

async fn say(server: &Server, text: &str) -> Position {
    let lobby = server.tidewire().room("lobby").expect("a name");
    lobby.publish(text).await.expect("published")
}

/// The messages and gaps that a subscription is told.
fn told(heard: &[Heard]) -> (Vec<Offset>, Vec<Gap>) {
    let mut told = (Vec::new(), Vec::new());
    for heard in heard {
        match heard {
            Heard::Message(said) => told.0.push(said.offset),
            Heard::Gap(gap) => told.1.push(*gap),
            _ => {}
        }
    }
    told
}

const UNTOLD: PresenceWanted = PresenceWanted::Nothing;

fn reader(over: Over, server: &Server, name: &str) -> Visitor {
    Visitor::new(
        over,
        server.address(),
        tokens::token(name, &json!({ "lobby": ["subscribe"] })),
    )
}

#[tokio::test]
async fn who_may_not_see_history_sees_none_and_goes_on_where_it_was() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let first = say(&server, "before").await;
        let mut ada = reader(over, &server, "ada");
        let last = ada.subscribe("lobby", Start::Last(1), UNTOLD).await;
        assert_eq!(last.err(), Some(RefusalCode::FORBIDDEN));
        let heard = ada.subscribe("lobby", Start::Now, UNTOLD).await.expect("granted");
        assert_eq!(told(&heard), (vec![], vec![]));
        // While it is away.
        let missed = say(&server, "while away").await;
        let heard = ada
            .subscribe("lobby", Start::After(first), UNTOLD)
            .await
            .expect("granted");
        assert_eq!(told(&heard), (vec![missed.offset], vec![]), "{over:?}");
        // It has not had this, and asks again; after leaving the room too.
        let heard = ada
            .subscribe("lobby", Start::After(first), UNTOLD)
            .await
            .expect("granted");
        assert_eq!(told(&heard), (vec![missed.offset], vec![]), "{over:?}");
        ada.visit(&[]).await;
        let heard = ada
            .subscribe("lobby", Start::After(missed), UNTOLD)
            .await
            .expect("granted");
        assert_eq!(told(&heard), (vec![], vec![]));
    }
}

#[tokio::test]
async fn what_was_said_before_a_subscription_began_is_a_gap() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let first = say(&server, "one").await;
        say(&server, "two").await;
        let head = say(&server, "three").await;
        let stranger = reader(over, &server, "bob")
            .subscribe("lobby", Start::After(first), UNTOLD)
            .await;
        let mut ada = reader(over, &server, "ada");
        ada.subscribe("lobby", Start::Now, UNTOLD).await.expect("granted");
        let back = ada.subscribe("lobby", Start::After(first), UNTOLD).await;
        for heard in [stranger, back] {
            let (messages, gaps) = told(&heard.expect("granted"));
            assert_eq!(messages, []);
            let [gap] = gaps[..] else { panic!("{gaps:?}") };
            assert_eq!(
                (gap.cause, gap.from, gap.resume),
                (GapCause::Evicted, first.offset.next(), head)
            );
        }
        // What it says of another log does not open this one.
        let mut epoch = first;
        epoch.epoch.0 ^= 1;
        let heard = ada
            .subscribe("lobby", Start::After(epoch), UNTOLD)
            .await
            .expect("granted");
        let (messages, gaps) = told(&heard);
        assert_eq!((messages, gaps.len(), gaps[0].cause), (vec![], 1, GapCause::LogLost));
        assert_eq!(gaps[0].resume, head);
    }
}

#[tokio::test]
async fn who_may_see_history_sees_it() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let first = say(&server, "one").await;
        let second = say(&server, "two").await;
        let token = tokens::token("ada", &json!({ "lobby": ["subscribe", "history"] }));
        let mut ada = Visitor::new(over, server.address(), token);
        let heard = ada.subscribe("lobby", Start::Last(2), UNTOLD).await.expect("granted");
        assert_eq!(told(&heard).0, [first.offset, second.offset]);
        let heard = ada
            .subscribe("lobby", Start::After(first), UNTOLD)
            .await
            .expect("granted");
        assert_eq!(told(&heard).0, [second.offset]);
    }
}

#[tokio::test]
async fn who_may_not_see_who_is_there_is_seen() {
    let server = tokens::server(|_| {});
    for over in Over::ALL {
        let mut ada = reader(over, &server, "ada");
        let asked = ada.subscribe("lobby", Start::Now, PresenceWanted::List).await;
        assert_eq!(asked.err(), Some(RefusalCode::FORBIDDEN));
        ada.subscribe("lobby", Start::Now, UNTOLD).await.expect("granted");
        let token = tokens::token("bob", &json!({ "lobby": ["subscribe", "presence"] }));
        let mut bob = Visitor::new(over, server.address(), token);
        let heard = bob
            .subscribe("lobby", Start::Now, PresenceWanted::List)
            .await
            .expect("granted");
        let ada = "ada".to_owned();
        let is_seen = |heard: &Heard| matches!(heard, Heard::Present(members, _) if members.contains(&ada));
        assert!(heard.iter().any(is_seen), "{heard:?}");
    }
}

#[tokio::test]
async fn the_sessions_of_a_subject_are_one_member() {
    let server = tokens::server(|settings| settings.presence_grace = std::time::Duration::ZERO);
    let everything = json!({ "**": tokens::all() });
    let mut bob = Wire::open(server.address()).await;
    bob.hello_with(&tokens::token("bob", &everything), None, 1, 0).await;
    bob.ask(1, "lobby", Start::Now, Presence::Told).await;
    bob.subscribed(1).await;
    assert!(matches!(bob.next().await, Heard::Present(..)));
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let mut ada = Wire::open(server.address()).await;
        let welcomed = ada.hello_with(&tokens::token("ada", &everything), None, 1, 0).await;
        assert_eq!(welcomed.outcome, Outcome::New);
        ada.subscribe(1, "lobby", Start::Now).await;
        sessions.push(ada);
    }
    assert_eq!(bob.next().await, Heard::Joined("ada".to_owned()));
    for mut ada in sessions {
        // What follows the first end is the second message, not `left`.
        ada.publish(1, "lobby", "bye").await;
        ada.published(1).await;
        assert_eq!(bob.message().await.sender, "ada");
        let close = tidewire_protocol::frame::Close {
            code: CloseCode::NORMAL,
            reason: "",
        };
        ada.say(tidewire_protocol::frame::ClientFrame::Close(close)).await;
        ada.closed().await;
    }
    assert_eq!(bob.next().await, Heard::Left("ada".to_owned()));
}

#[tokio::test]
async fn a_signal_that_is_not_granted_is_dropped() {
    let server = tokens::server(|_| {});
    let mut bob = Wire::open(server.address()).await;
    bob.hello_with(&tokens::token("bob", &json!({ "lobby": ["subscribe"] })), None, 1, 0)
        .await;
    bob.subscribe(1, "lobby", Start::Now).await;
    for over in Over::ALL {
        for (rights, text) in [(json!(["publish"]), "dropped"), (json!(["signal"]), "passed on")] {
            let token = tokens::token("ada", &json!({ "lobby": rights }));
            let mut ada = Visitor::new(over, server.address(), token);
            let payload = Payload::Text(text);
            let signal = tidewire_protocol::frame::ClientFrame::Signal { room: "lobby", payload };
            ada.visit(&[signal]).await;
        }
        // The first that comes is the second that was sent.
        assert_eq!(bob.next().await, Heard::Signal("ada".to_owned(), "passed on".into()));
    }
}
