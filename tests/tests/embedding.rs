//! The filters inside another warp program.

use futures_util::StreamExt;
use http::StatusCode;
use tidewire_protocol::{
    Offset, Sequence,
    frame::{Payload, RefusalCode, Refused, RefusedWhat, Start},
};
use tidewire_server::{RoomEvent, Settings, Tidewire};
use tidewire_tests::{Client, Heard, Process, Raw, Wire};
use warp::Filter;

#[tokio::test]
async fn filters_are_mounted_beside_a_programs_own_routes() {
    let tidewire = Tidewire::new(Settings::default());
    let hello = warp::path!("hello" / String).map(|name| format!("Hello, {name}!"));
    let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());
    let routes = hello.or(live).or(tidewire.routes());

    let response = warp::test::request().path("/hello/warp").reply(&routes).await;
    assert_eq!(response.body(), "Hello, warp!");
    let response = warp::test::request().path("/live").reply(&routes).await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    let response = warp::test::request().path("/elsewhere").reply(&routes).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn warps_own_server_runs_them_and_mounts_share_one_room() {
    let tidewire = Tidewire::new(Settings::default());
    let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());
    let routes = live.or(tidewire.routes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(warp::serve(routes).incoming(listener).run());

    let mut here = Client::connect(address, "/live").await;
    let mut there = Client::connect(address, "/chat").await;
    here.text().await;
    there.text().await;
    here.send("across mounts").await;
    assert_eq!(there.text().await, "Broadcast: across mounts");
}

#[tokio::test]
async fn two_servers_in_one_program_are_apart() {
    let (one, two) = (
        tidewire_tests::Server::start_default(),
        tidewire_tests::Server::start_default(),
    );
    let (mut here, mut there) = (one.connect("/chat").await, two.connect("/chat").await);
    here.text().await;
    there.text().await;
    here.send("not for the other").await;
    assert_eq!(here.text().await, "Server received: not for the other");
    there.send("mine").await;
    assert_eq!(there.text().await, "Server received: mine");
}

#[tokio::test]
async fn a_program_shuts_its_websockets_down_and_refuses_new_ones() {
    let server = tidewire_tests::Server::start_default();
    let mut client = server.connect("/chat").await;
    client.text().await;
    let (code, ()) = tokio::join!(client.closed(), server.tidewire().shutdown());
    assert_eq!(code.0, 1001);
    let refused = server
        .raw()
        .await
        .request(&tidewire_tests::upgrade_request("/chat"))
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_program_publishes_subscribes_and_asks_who_is_there() {
    let server = tidewire_tests::Server::start_default();
    let lobby = server.tidewire().room("lobby").expect("a name");
    assert_eq!(
        (lobby.head(), lobby.presence().len(), lobby.subscribers()),
        (None, 0, 0)
    );
    let before = lobby.publish("before").await.expect("published");
    let mut events = lobby.subscribe(Start::Last(1)).await.expect("a subscription");
    assert_eq!(events.next().await, Some(RoomEvent::Present(vec![])));
    let Some(RoomEvent::Message(message)) = events.next().await else {
        panic!("no message")
    };
    assert_eq!(
        (message.offset, message.sender, message.payload),
        (Offset(1), None, "before".into())
    );
    assert_eq!(events.position(), before);

    let (mut ann, welcomed) = Wire::join(server.address()).await;
    ann.subscribe(1, "lobby", Start::Now).await;
    let member = lobby.presence().first().cloned().expect("a member");
    assert_eq!(member.as_str(), welcomed.member);
    assert_eq!(events.next().await, Some(RoomEvent::Joined(member.clone())));
    ann.signal("lobby", "typing").await;
    let (sender, payload) = (Some(member.clone()), "typing".into());
    assert_eq!(events.next().await, Some(RoomEvent::Signal { sender, payload }));
    ann.publish(1, "lobby", "hello").await;
    let Some(RoomEvent::Message(message)) = events.next().await else {
        panic!("no message")
    };
    assert_eq!(
        (message.sender, message.payload),
        (Some(member.clone()), "hello".into())
    );
    lobby.signal(Payload::Text("seen"));
    assert_eq!(lobby.subscribers(), 2);
    ann.say(tidewire_protocol::frame::ClientFrame::Unsubscribe {
        request: tidewire_protocol::Request(1),
    })
    .await;
    assert_eq!(
        events.next().await,
        Some(RoomEvent::Signal {
            sender: None,
            payload: "seen".into()
        })
    );
    assert_eq!(events.next().await, Some(RoomEvent::Left(member)));
    drop(events);
    assert_eq!(lobby.subscribers(), 0);
}

#[tokio::test]
async fn a_subscription_of_a_program_that_is_too_slow_gets_a_gap() {
    let server = tidewire_tests::Server::start(|settings| settings.retention.max_messages = 10);
    let lobby = server.tidewire().room("lobby").expect("a name");
    let mut events = lobby.subscribe(Start::Now).await.expect("a subscription");
    for number in 1..=15 {
        lobby.publish(number.to_string()).await.expect("published");
    }
    events.next().await;
    let Some(RoomEvent::Gap(missing)) = events.next().await else {
        panic!("no gap")
    };
    assert_eq!((missing.from, missing.resume.offset), (Offset(1), Offset(5)));
    let Some(RoomEvent::Message(message)) = events.next().await else {
        panic!("no message")
    };
    assert_eq!(message.offset, Offset(6));
}

#[tokio::test]
async fn the_example_counts_votes_and_refuses_other_ballots() {
    let process = Process::start_example("embed").await;
    let mut ann = Wire::open_at(process.address, "/live/ws").await;
    ann.hello(None, 1, 0).await;
    ann.subscribe(1, "score", Start::Now).await;
    ann.publish(1, "votes", "yes").await;
    ann.publish(2, "votes", "perhaps").await;
    ann.publish(3, "score", "a lot").await;
    let (mut score, mut refusals) = (None, Vec::new());
    while score.is_none() || refusals.len() < 2 {
        match ann.next().await {
            Heard::Message(said) => score = Some(said.text().to_owned()),
            Heard::Refused(refused) => refusals.push(refused),
            Heard::Published(Sequence(1), _) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(score.as_deref(), Some("1 yes, 0 no"));
    let refused = |sequence, code| Refused {
        what: RefusedWhat::Publish(Sequence(sequence)),
        code,
    };
    assert_eq!(
        refusals,
        [refused(2, RefusalCode::REJECTED), refused(3, RefusalCode::FORBIDDEN)]
    );
    let mut raw = Raw::connect(process.address).await;
    let lines = [
        "POST /live/api/rooms/votes/messages HTTP/1.1",
        "Host: localhost",
        "Content-Type: text/plain",
    ];
    let (head, _) = raw.exchange(&lines.map(str::to_owned), b"no").await;
    assert_eq!(head.status, StatusCode::CREATED);
    assert_eq!(ann.message().await.text(), "1 yes, 1 no");
    let (_, watching) = raw
        .exchange(
            &["GET /watching HTTP/1.1".to_owned(), "Host: localhost".to_owned()],
            b"",
        )
        .await;
    assert_eq!(watching, b"1 here, on 1 connections\n");
}
