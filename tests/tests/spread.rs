//! The client before two servers of which each of its requests comes to another, with connections cut.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join};
use tidewire_behaviours::Rules;
use tidewire_client::{RoomEvent, RoomEvents, SubscribeOptions, TransportKind};
use tidewire_server::{RoomHandle, Settings, Tidewire};
use tidewire_tests::{Gateway, Plan, Proxy, Server, SlowEngine, connect_over, message, publish_all};
use tokio::time::timeout;

/// How many messages go each way.
const MESSAGES: u64 = 2000;

fn servers() -> [Server; 2] {
    let engine = SlowEngine::sharing(Duration::ZERO);
    let mut settings = Settings::default();
    // A connection that is half-open is noticed soon.
    settings.ping_interval = Duration::from_millis(500);
    settings.silence_timeout = Duration::from_secs(4);
    // Who is away for a while is told all.
    settings.retention.max_messages = usize::MAX;
    [(); 2].map(|()| {
        let builder = Tidewire::builder().settings(settings.clone());
        Server::serve(builder.engine(Arc::new(engine.clone())).build())
    })
}

/// The program of both servers publishes, at one and the other by turns, and lets what the client says have its time.
async fn publish_down(rooms: [RoomHandle; 2]) {
    for number in 0..MESSAGES {
        let room = &rooms[usize::from(number % 2 == 1)];
        room.publish(format!("down {number}")).await.expect("accepted");
        tokio::task::yield_now().await;
    }
}

/// Hears all of both, each in its order, once, without a hole.
async fn hear(events: &mut RoomEvents) {
    let (mut up, mut down, mut last) = (0, 0, None);
    while up < MESSAGES || down < MESSAGES {
        let (text, offset) = message(events).await;
        assert!(last.is_none_or(|last| offset == last + 1), "{offset} after {last:?}");
        last = Some(offset);
        if text == format!("up {up}") {
            up += 1;
        } else {
            assert_eq!(text, format!("down {down}"), "{up} were heard of the others");
            down += 1;
        }
    }
}

/// Two servers, what is before them, and a client that is told to come to `address`.
async fn two_thousand_each_way(servers: &[Server; 2], address: SocketAddr, transports: &[TransportKind]) {
    let rooms = [0, 1].map(|index: usize| servers[index].tidewire().room("lobby").expect("a name"));
    let client = connect_over(address, transports);
    let lobby = client.room("lobby").expect("a name");
    let mut events = lobby.subscribe(SubscribeOptions::default()).expect("once");
    // The first message comes soon, whatever is cut.
    let first = timeout(Duration::from_secs(5), events.next())
        .await
        .expect("within 5 s");
    assert!(matches!(first, Some(RoomEvent::Subscribed(_))), "{first:?}");
    let publishing = join(publish_all(&lobby, "up", MESSAGES, 16), publish_down(rooms));
    join(publishing, hear(&mut events)).await;
}

/// Before the servers a gateway that sends each request to another, and before that a network that keeps breaking.
async fn two_thousand_each_way_by(transports: &[TransportKind]) {
    let servers = servers();
    let addresses = servers.iter().map(Server::address).collect();
    let gateway = Gateway::start(addresses, Rules::default()).await;
    let proxy = Proxy::start(gateway.address()).await;
    proxy.follow(Some(Plan {
        longest_bytes: 16 << 10,
        half_open: Duration::from_secs(2),
        ..Plan::new(7)
    }));
    two_thousand_each_way(&servers, proxy.address(), transports).await;
    println!("{:?}", proxy.counters());
    assert!(proxy.counters().ended() > 10, "{:?}", proxy.counters());
    let opened = servers
        .each_ref()
        .map(|server| server.tidewire().connections().borrow().opened);
    assert!(opened.iter().all(|count| *count > 10), "{opened:?} at each server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_messages_each_way_over_polls_of_which_each_comes_to_another_server() {
    two_thousand_each_way_by(&[TransportKind::Polls]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_messages_each_way_while_the_session_moves_between_servers_and_transports() {
    two_thousand_each_way_by(&[TransportKind::Stream, TransportKind::Polls]).await;
}
