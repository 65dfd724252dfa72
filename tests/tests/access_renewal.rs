//! Tokens that are renewed in place, and decisions that take their time.

mod clock;

use std::{sync::Mutex, time::Duration};

use futures_util::StreamExt;
use serde_json::json;
use tidewire_protocol::{
    CloseCode, Request,
    frame::{ClientFrame, RefusalCode, Refused, RefusedWhat, Start, Token},
};
use tidewire_server::{
    Access, Allowed, Connecting, Decision, Denied, Grants, MemberId, Pass, Publishing, Right, RoomEvent, Settings,
    Subscribing, Tidewire,
};
use tidewire_tests::{Heard, Over, Presence, Server, Visitor, Wire, tokens};
use tokio::{sync::oneshot, time::advance};

async fn join(server: &Server, token: &[u8]) -> Wire {
    let mut wire = Wire::open(server.address()).await;
    wire.hello_with(token, None, 1, 0).await;
    wire
}

async fn renew(wire: &mut Wire, token: &[u8]) {
    wire.say(ClientFrame::Authenticate { token: Token(token) }).await;
}

fn refused(request: u32) -> Heard {
    Heard::Refused(Refused {
        what: RefusedWhat::Subscription(Request(request)),
        code: RefusalCode::FORBIDDEN,
    })
}

/// How long a pass of [`ShortLived`] is good.
const LIFE: Duration = Duration::from_millis(300);

/// Takes the token for the subject.
#[derive(Debug)]
struct ShortLived;

impl Access for ShortLived {
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        let subject = std::str::from_utf8(connecting.token)
            .ok()
            .and_then(|it| MemberId::new(it).ok());
        let pass = subject.map(|subject| Pass::of(subject).expiring_in(LIFE));
        Decision::Now(pass.ok_or(Denied::Unauthorized))
    }
}

#[tokio::test]
async fn a_token_is_renewed_five_times_past_its_life_on_one_transport() {
    let held = clock::hold();
    let server = Server::serve(Tidewire::builder().access(ShortLived).build());
    let mut ada = join(&server, b"ada").await;
    for _ in 0..6 {
        // All of its life but a millisecond; so the last is seen five times after the first was over.
        advance(LIFE - Duration::from_millis(1)).await;
        renew(&mut ada, b"ada").await;
        assert_eq!(ada.next().await, Heard::Authenticated(LIFE));
    }
    ada.round_trip().await;
    let connections = *server.tidewire().connections().borrow();
    assert_eq!(
        (connections.opened, connections.open, server.tidewire().sessions()),
        (1, 1, 1)
    );
    // One that is not renewed is over.
    drop(held);
    assert_eq!(ada.closed().await.0, Some(CloseCode::TOKEN_EXPIRED));
}

#[tokio::test]
async fn what_a_new_token_no_longer_grants_ends_at_once() {
    let server = tokens::server(|_| {});
    let mut ada = join(&server, &tokens::token("ada", &json!({ "**": tokens::all() }))).await;
    ada.subscribe(1, "one", Start::Now).await;
    ada.ask(2, "two", Start::Now, Presence::Told).await;
    ada.subscribed(2).await;
    assert!(matches!(ada.next().await, Heard::Present(..)));
    ada.subscribe(3, "three", Start::Now).await;
    let less = json!({ "one": ["publish"], "two": ["subscribe"], "three": ["subscribe"] });
    renew(&mut ada, &tokens::token("ada", &less)).await;
    // Of the second it may no longer be told who is there.
    assert_eq!([ada.next().await, ada.next().await], [refused(1), refused(2)]);
    assert!(matches!(ada.next().await, Heard::Authenticated(_)));
    for room in ["one", "two", "three"] {
        let room = server.tidewire().room(room).expect("a name");
        room.publish("news").await.expect("published");
    }
    assert_eq!(ada.message().await.text(), "news");
    ada.publish(1, "three", "mine").await;
    assert!(
        matches!(ada.next().await, Heard::Refused(_)),
        "that it may no longer do"
    );
    ada.round_trip().await;
    assert_eq!(server.tidewire().room("one").expect("a name").presence(), []);
}

#[tokio::test]
async fn a_renewed_token_is_the_same_subjects_and_good() {
    let server = tokens::server(|_| {});
    let all = json!({ "**": tokens::all() });
    let expired = tokens::sign(&json!({ "sub": "ada", "exp": tokens::now() - 1 }));
    for (token, expected) in [
        (tokens::token("bob", &all), CloseCode::UNAUTHORIZED),
        (b"no token".to_vec(), CloseCode::UNAUTHORIZED),
        (expired, CloseCode::TOKEN_EXPIRED),
    ] {
        let mut ada = join(&server, &tokens::token("ada", &all)).await;
        renew(&mut ada, &token).await;
        assert_eq!(ada.closed().await, (Some(expected), expected));
    }
}

#[tokio::test]
async fn a_waiting_poll_ends_with_its_token() {
    let server = Server::serve(Tidewire::builder().access(ShortLived).build());
    let mut ada = tidewire_tests::Poller::new(server.address());
    ada.token = b"ada".to_vec();
    ada.poll(&[]).await;
    let answer = ada.poll(&[]).await;
    assert_eq!(
        answer.last(),
        Some(&Heard::Close(CloseCode::TOKEN_EXPIRED)),
        "{answer:?}"
    );
    assert!(
        matches!(ada.poll(&[]).await[0], Heard::Welcome(_)),
        "it comes back with another"
    );
}

/// Decides later, and not before it was told to where it is told.
#[derive(Debug, Default)]
struct Slow {
    held: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Slow {
    fn decide<T: Send + 'static>(&self, decided: T) -> Decision<T> {
        let held = self.held.lock().expect("no panic").take();
        Decision::later(async move {
            if let Some(held) = held {
                let _ = held.await;
            }
            tokio::task::yield_now().await;
            decided
        })
    }
}

impl Access for Slow {
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        let grants = Grants::none().and("lobby".parse().expect("a pattern"), [Right::Subscribe]);
        match connecting.token {
            b"never" => Decision::later(std::future::pending()),
            b"stranger" => self.decide(Err(Denied::Unauthorized)),
            _ => self.decide(Ok(Pass::anonymous().granting(grants))),
        }
    }

    fn subscribe(&self, subscribing: &Subscribing<'_>) -> Decision<Result<(), RefusalCode>> {
        match subscribing.is_granted() {
            true => self.decide(Ok(())),
            false => self.decide(Err(RefusalCode(222))),
        }
    }

    fn publish(&self, publishing: &Publishing<'_>) -> Decision<Result<Allowed, RefusalCode>> {
        match publishing.payload.as_bytes() {
            b"never" => Decision::later(std::future::pending()),
            b"shout" => self.decide(Ok(Allowed::Instead("SHOUT".into()))),
            b"long" => self.decide(Ok(Allowed::Instead("x".repeat(100_000).into()))),
            b"bad" => self.decide(Err(RefusalCode::REJECTED)),
            _ => self.decide(Ok(Allowed::AsItIs)),
        }
    }
}

fn slow(access: Slow) -> Server {
    let mut settings = Settings::default();
    settings.access_timeout = Duration::from_millis(50);
    Server::serve(Tidewire::builder().settings(settings).access(access).build())
}

#[tokio::test]
async fn what_is_decided_later_is_decided_the_same() {
    let server = slow(Slow::default());
    for over in Over::ALL {
        let mut ada = Visitor::new(over, server.address(), Vec::new());
        let lobby = server.tidewire().room("lobby").expect("a name");
        let mut subscription = lobby.subscribe(Start::Now).await.expect("a subscription");
        for (text, expected) in [
            ("hello", Ok(())),
            ("shout", Ok(())),
            ("long", Err(RefusalCode::PAYLOAD_TOO_BIG)),
            ("bad", Err(RefusalCode::REJECTED)),
            ("never", Err(RefusalCode::UNAVAILABLE)),
        ] {
            assert_eq!(ada.publish_and_wait("lobby", text).await, expected, "{over:?} {text}");
        }
        for expected in ["hello", "SHOUT"] {
            let said = loop {
                if let Some(RoomEvent::Message(said)) = subscription.next().await {
                    break said;
                }
            };
            assert_eq!(said.payload, expected.into());
        }
        let mut stranger = Visitor::new(over, server.address(), b"stranger".to_vec());
        assert_eq!(stranger.closed().await, Some(CloseCode::UNAUTHORIZED));
        let mut never = Visitor::new(over, server.address(), b"never".to_vec());
        assert_eq!(never.closed().await, Some(CloseCode::TRY_AGAIN_LATER));
    }
}

#[tokio::test]
async fn a_subscription_that_is_decided_later_begins_or_is_refused() {
    let server = slow(Slow::default());
    let mut ada = join(&server, b"").await;
    ada.subscribe(1, "lobby", Start::Now).await;
    ada.ask(2, "other", Start::Now, Presence::Untold).await;
    let Heard::Refused(refused) = ada.next().await else {
        panic!("not refused");
    };
    assert_eq!(refused.code, RefusalCode(222));
    renew(&mut ada, b"another").await;
    assert_eq!(ada.next().await, Heard::Authenticated(Duration::ZERO));
    renew(&mut ada, b"never").await;
    assert_eq!(ada.closed().await.0, Some(CloseCode::TRY_AGAIN_LATER));
}

/// Its tokens say which rooms may be read; of `later` that is decided later.
#[derive(Debug)]
struct Rooms;

impl Access for Rooms {
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(Ok(Pass::anonymous().with(connecting.token.to_vec())))
    }

    fn subscribe(&self, subscribing: &Subscribing<'_>) -> Decision<Result<(), RefusalCode>> {
        let token = subscribing.pass.data::<Vec<u8>>().map(Vec::as_slice);
        let decided = match (token, subscribing.room.as_str()) {
            (Some(b"all"), _) | (Some(b"one"), "one") | (Some(b"later"), "two") => Ok(()),
            _ => Err(RefusalCode(222)),
        };
        match token {
            Some(b"later") => Decision::later(async move {
                tokio::task::yield_now().await;
                decided
            }),
            _ => Decision::Now(decided),
        }
    }
}

#[tokio::test]
async fn a_programs_own_rules_are_asked_again_about_subscriptions_when_a_token_is_renewed() {
    for (token, left, ended) in [(b"one" as &[u8], "one", 2), (b"later", "two", 1)] {
        let server = Server::serve(Tidewire::builder().access(Rooms).build());
        let mut ada = join(&server, b"all").await;
        ada.subscribe(1, "one", Start::Now).await;
        ada.subscribe(2, "two", Start::Now).await;
        renew(&mut ada, b"all").await;
        assert_eq!(ada.next().await, Heard::Authenticated(Duration::ZERO));
        renew(&mut ada, token).await;
        let mut heard = [ada.next().await, ada.next().await];
        heard.sort_by_key(|heard| matches!(heard, Heard::Authenticated(_)));
        let refused = Heard::Refused(Refused {
            what: RefusedWhat::Subscription(Request(ended)),
            code: RefusalCode(222),
        });
        assert_eq!(heard, [refused, Heard::Authenticated(Duration::ZERO)]);
        for room in ["one", "two"] {
            let handle = server.tidewire().room(room).expect("a name");
            handle.publish(room).await.expect("published");
            assert_eq!(handle.presence().len(), usize::from(room == left), "{room}");
        }
        assert_eq!(ada.message().await.text(), left);
        ada.round_trip().await;
    }
}

#[tokio::test]
async fn a_client_that_goes_before_it_was_decided_leaves_nothing() {
    let (decide, held) = oneshot::channel();
    let access = Slow {
        held: Mutex::new(Some(held)),
    };
    let server = slow(access);
    let mut ada = Wire::open(server.address()).await;
    let hello = tidewire_protocol::frame::Hello {
        version: 1,
        attempt: 1,
        session: None,
        answered: tidewire_protocol::Sequence(0),
        token: Token(b""),
    };
    ada.say(ClientFrame::Hello(hello)).await;
    drop(ada);
    server.wait_for_open(0).await;
    drop(decide);
    assert_eq!(server.tidewire().sessions(), 0);
}
