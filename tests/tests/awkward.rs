//! Each awkward case of docs/PROTOCOL.md over real sockets: the native client, the faulty proxy, the server.

use std::{thread, time::Duration};

use futures_util::StreamExt;
use tidewire_client::{
    Client, ClientOptions, ClientState, GapCause, Offset, OwnedPayload, PublishErrorCause, Room, RoomEvent, RoomEvents,
    SubscribeOptions, TransportKind,
};
use tidewire_server::{RoomHandle, Settings};
use tidewire_tests::{Direction, Fault, Node, Proxy, Script, Server, until, upgrade_request, within};
use tokio::{runtime::Builder, time};

/// A server that notices soon, a proxy before it, and one client through the proxy.
struct Scene {
    node: Node,
    proxy: Proxy,
    client: Client,
    room: Room,
}

impl Scene {
    async fn start() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    async fn with(settings: impl FnOnce(&mut Settings), options: impl FnOnce(&mut ClientOptions)) -> Self {
        let node = Node::start(settings);
        let proxy = Proxy::start(node.server().address()).await;
        let client = connect(&proxy, options);
        let room = client.room("lobby").expect("a name");
        Self {
            node,
            proxy,
            client,
            room,
        }
    }

    fn subscribe(&self) -> RoomEvents {
        self.room.subscribe(SubscribeOptions::default()).expect("once")
    }

    /// The room as the server has it.
    fn handle(&self) -> RoomHandle {
        self.node.server().tidewire().room("lobby").expect("a name")
    }

    /// Somebody else says these numbers.
    async fn say(&self, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            within(self.handle().publish(number.to_string()))
                .await
                .expect("accepted");
        }
    }

    /// The client loses its connection, and gets no other until the proxy is set to something else.
    async fn part(&self) {
        self.proxy.set(Fault::Refuse);
        self.proxy.wait_for_open(0).await;
        reach(&self.client, |state| state != ClientState::Open).await;
        self.node.server().wait_for_open(0).await;
    }

    fn meet(&self) {
        self.proxy.set(Fault::None);
    }
}

fn connect(proxy: &Proxy, change: impl FnOnce(&mut ClientOptions)) -> Client {
    let mut options = ClientOptions::default();
    options.backoff.base = Duration::from_millis(20);
    options.backoff.cap = Duration::from_millis(100);
    change(&mut options);
    Client::connect(&format!("ws://{}/ws", proxy.address()), options).expect("an address")
}

async fn reach(client: &Client, wanted: impl Fn(ClientState) -> bool) {
    let mut states = client.states();
    within(async { while !wanted(states.next().await.expect("not the end")) {} }).await;
}

async fn open(client: &Client) {
    reach(client, |state| state == ClientState::Open).await;
}

async fn next(events: &mut RoomEvents) -> RoomEvent {
    within(events.next()).await.expect("not the end")
}

async fn subscribed(events: &mut RoomEvents) -> Offset {
    match next(events).await {
        RoomEvent::Subscribed(position) => position.offset,
        other => panic!("not subscribed but {other:?}"),
    }
}

/// The next event that is none of `Subscribed`.
async fn news(events: &mut RoomEvents) -> RoomEvent {
    loop {
        match next(events).await {
            RoomEvent::Subscribed(_) => {}
            event => return event,
        }
    }
}

async fn text(events: &mut RoomEvents) -> String {
    match news(events).await {
        RoomEvent::Message {
            payload: OwnedPayload::Text(text),
            ..
        } => text.into(),
        event => panic!("not text but {event:?}"),
    }
}

/// Exactly these numbers come next, in this order.
async fn expect(events: &mut RoomEvents, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        assert_eq!(text(events).await, number.to_string());
    }
}

#[tokio::test]
async fn where_only_subscribed_came_before_the_cut_the_subscription_resumes_from_there() {
    let scene = Scene::start().await;
    scene.say(1..=3).await;
    let mut events = scene.subscribe();
    assert_eq!(subscribed(&mut events).await, Offset(3));
    scene.part().await;
    scene.say(4..=6).await;
    scene.meet();
    assert_eq!(subscribed(&mut events).await, Offset(3));
    expect(&mut events, 4..=6).await;
}

#[tokio::test]
async fn where_not_even_subscribed_came_the_subscription_begins_as_it_was_asked_for() {
    let scene = Scene::start().await;
    open(&scene.client).await;
    scene.proxy.break_all(Fault::Hold(Direction::ToClient));
    let mut events = scene.subscribe();
    until(async || scene.handle().subscribers() == 1).await;
    scene.say(1..=1).await;
    scene.part().await;
    scene.meet();
    // It asked for what comes next, and that is what comes after the one subscription it knows of.
    assert_eq!(subscribed(&mut events).await, Offset(1));
    scene.say(2..=2).await;
    expect(&mut events, 2..=2).await;
}

/// A room that keeps nothing for long, and who listens to it.
async fn forgetful() -> (Scene, RoomEvents) {
    let forget = |settings: &mut Settings| settings.retention.max_age = Duration::from_millis(50);
    let scene = Scene::with(forget, |_| {}).await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    (scene, events)
}

#[tokio::test]
async fn a_position_that_is_older_than_all_that_is_kept_resumes_where_nothing_was_missed() {
    let (scene, mut events) = forgetful().await;
    scene.say(1..=3).await;
    expect(&mut events, 1..=3).await;
    scene.part().await;
    until(async || kept(&scene).await == 0).await;
    scene.meet();
    assert_eq!(subscribed(&mut events).await, Offset(3));
    scene.say(4..=4).await;
    expect(&mut events, 4..=4).await;
}

#[tokio::test]
async fn a_position_that_is_older_than_all_that_is_kept_gets_one_gap_where_something_was_missed() {
    let (scene, mut events) = forgetful().await;
    scene.say(1..=1).await;
    expect(&mut events, 1..=1).await;
    scene.part().await;
    scene.say(2..=3).await;
    until(async || kept(&scene).await == 0).await;
    scene.meet();
    assert_eq!(gap(&mut events).await, (GapCause::Evicted, 2, 3));
    scene.say(4..=4).await;
    expect(&mut events, 4..=4).await;
}

/// How long the server's answer to an opening handshake is.
async fn handshake_bytes(server: &Server) -> u64 {
    let mut raw = server.raw().await;
    let head = raw.request(&upgrade_request("/ws")).await;
    head.bytes as u64
}

/// How many messages the server's log of the room has.
async fn kept(scene: &Scene) -> usize {
    use tidewire_client::Start;
    let subscribed = within(scene.handle().subscribe(Start::Last(1000)))
        .await
        .expect("allowed");
    let head = scene.handle().head().map_or(0, |it| it.offset.0);
    usize::try_from(head - subscribed.position().offset.0).expect("few")
}

/// The next event is a gap: its cause, the first that is missing, and the last.
async fn gap(events: &mut RoomEvents) -> (GapCause, u64, u64) {
    match news(events).await {
        RoomEvent::Gap(gap) => (gap.cause, gap.from.0, gap.resume.offset.0),
        event => panic!("no gap but {event:?}"),
    }
}

#[tokio::test]
async fn a_client_that_is_back_before_the_server_noticed_takes_its_session_over() {
    let scene = Scene::with(
        |settings| {
            settings.ping_interval = Duration::from_millis(200);
            settings.close_timeout = Duration::from_millis(200);
        },
        |_| {},
    )
    .await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    let member = scene.client.member();
    scene.proxy.break_all(Fault::HalfOpen);
    scene.say(1..=3).await;
    // The server takes a client for dead after a minute; this one asks after 0.3 s, and gives up 2 s after that.
    expect(&mut events, 1..=3).await;
    assert_eq!(scene.client.member(), member);
    assert_eq!(scene.proxy.counters().connections, 2);
    scene.node.server().wait_for_open(1).await;
    within(scene.room.publish("4")).await.expect("the new connection works");
    expect(&mut events, 4..=4).await;
}

#[tokio::test]
async fn two_cuts_in_a_row_are_as_one_whether_or_not_the_second_welcome_was_heard() {
    let scene = Scene::start().await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    let (member, server) = (scene.client.member(), scene.node.server());
    scene.proxy.break_all(Fault::Hold(Direction::ToClient));
    let first = scene.room.publish("1");
    until(async || scene.handle().head().is_some_and(|it| it.offset.0 == 1)).await;
    // The second connection opens, and its welcome is held back.
    let answer = handshake_bytes(server).await;
    let held = Script::new(Fault::Hold(Direction::ToClient), Direction::ToClient, answer);
    scene.proxy.script_next(held);
    scene.proxy.cut_all();
    until(async || scene.proxy.counters().connections == 2 && server.tidewire().connections().borrow().open == 1).await;
    let second = scene.room.publish("2");
    scene.proxy.cut_all();
    assert_eq!(within(first).await.expect("accepted").offset, Offset(1));
    assert_eq!(within(second).await.expect("accepted").offset, Offset(2));
    expect(&mut events, 1..=2).await;
    assert_eq!(scene.client.member(), member);
    assert_eq!(
        scene.handle().head().map(|it| it.offset),
        Some(Offset(2)),
        "each was accepted once"
    );
}

#[tokio::test]
async fn cuts_during_replay_go_on_after_the_last_message_that_came() {
    let scene = Scene::start().await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.part().await;
    scene.say(1..=1000).await;
    // Within the frame headers, within a frame, and between two.
    for bytes in [1, 130, 200, 201, 202, 300, 301, 1000, 5000] {
        let script = Script::new(Fault::Cut, Direction::ToClient, bytes);
        scene.proxy.script_next(script);
    }
    scene.meet();
    expect(&mut events, 1..=1000).await;
    assert!(scene.proxy.counters().cut == 9, "{:?}", scene.proxy.counters());
}

#[tokio::test]
async fn a_publish_whose_answer_was_cut_off_gets_the_same_answer_and_is_accepted_once() {
    let scene = Scene::start().await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.proxy.break_all(Fault::Hold(Direction::ToClient));
    let outcome = scene.room.publish("1");
    until(async || scene.handle().head().is_some_and(|it| it.offset.0 == 1)).await;
    scene.say(2..=2).await;
    scene.proxy.cut_all();
    assert_eq!(within(outcome).await.expect("accepted").offset, Offset(1));
    expect(&mut events, 1..=2).await;
    assert_eq!(
        within(scene.room.publish("3")).await.expect("accepted").offset,
        Offset(3)
    );
}

#[tokio::test]
async fn an_expired_session_leaves_what_was_sent_unconfirmed_and_sends_what_was_not() {
    let scene = Scene::with(|settings| settings.session_ttl = Duration::from_millis(50), |_| {}).await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    let member = scene.client.member();
    scene.proxy.break_all(Fault::Hold(Direction::ToClient));
    let sent = scene.room.publish("1");
    until(async || scene.handle().head().is_some_and(|it| it.offset.0 == 1)).await;
    scene.part().await;
    let unsent = scene.room.publish("2");
    until(async || scene.node.server().tidewire().sessions() == 0).await;
    scene.meet();
    let error = within(sent).await.expect_err("nobody knows");
    assert_eq!(
        (error.cause, error.payload),
        (PublishErrorCause::Unconfirmed, "1".into())
    );
    assert_eq!(within(unsent).await.expect("accepted").offset, Offset(2));
    // The subscription goes on all the same.
    expect(&mut events, 1..=2).await;
    assert_ne!(scene.client.member(), member);
}

#[tokio::test]
async fn a_lost_log_is_one_gap_and_then_the_new_one_from_its_beginning() {
    let scene = Scene::start().await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.say(1..=3).await;
    expect(&mut events, 1..=3).await;
    let member = scene.client.member();
    scene.part().await;
    let Scene {
        node,
        proxy,
        client,
        room,
    } = scene;
    drop(node);
    let outcome = room.publish("2");
    let node = Node::start(|_| {});
    let handle = node.server().tidewire().room("lobby").expect("a name");
    within(handle.publish("1")).await.expect("accepted");
    proxy.set_server(node.server().address());
    proxy.set(Fault::None);
    assert_eq!(gap(&mut events).await, (GapCause::LogLost, 4, 0));
    expect(&mut events, 1..=2).await;
    assert_eq!(within(outcome).await.expect("it had not been sent").offset, Offset(2));
    assert_ne!(client.member(), member);
}

#[tokio::test]
async fn what_was_evicted_while_away_is_one_gap() {
    let scene = Scene::with(|settings| settings.retention.max_messages = 10, |_| {}).await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.say(1..=1).await;
    expect(&mut events, 1..=1).await;
    scene.part().await;
    scene.say(2..=100).await;
    scene.meet();
    assert_eq!(gap(&mut events).await, (GapCause::Evicted, 2, 90));
    expect(&mut events, 91..=100).await;
}

#[tokio::test]
async fn what_was_evicted_while_the_connection_was_slow_is_one_gap_too() {
    // More than the buffers of two TCP connections take, and less than half of it is kept.
    const MESSAGE: usize = 60_000;
    const COUNT: u64 = 800;
    let scene = Scene::with(
        |settings| settings.retention.max_bytes = 4 << 20,
        |options| options.max_queued_bytes = 1 << 30,
    )
    .await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.proxy.set(Fault::Hold(Direction::ToClient));
    for number in 1..=COUNT {
        let said = format!("{number:0>MESSAGE$}");
        within(scene.handle().publish(said)).await.expect("accepted");
    }
    scene.meet();
    let (mut last, mut gaps) = (0, 0);
    while last < COUNT {
        match news(&mut events).await {
            RoomEvent::Message { position, payload, .. } => {
                assert_eq!(position.offset.0, last + 1);
                last += 1;
                assert_eq!(payload, format!("{last:0>MESSAGE$}").into());
            }
            RoomEvent::Gap(gap) => {
                assert_eq!((gap.cause, gap.from.0), (GapCause::Evicted, last + 1));
                last = gap.resume.offset.0;
                gaps += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(gaps, 1);
    assert_eq!(
        scene.proxy.counters().connections,
        1,
        "it was never parted from the server"
    );
}

#[tokio::test]
async fn a_hello_that_a_later_attempt_has_overtaken_does_not_take_the_session_back() {
    let scene = Scene::with(
        |_| {},
        |options| {
            options.connect_timeout = Duration::from_millis(300);
            // A hello that is not answered would be a reason to poll.
            options.transports = vec![TransportKind::Stream];
        },
    )
    .await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    let member = scene.client.member();
    // The second connection opens, and then its hello is held back until the client has given it up.
    let held = Script::new(Fault::Hold(Direction::ToServer), Direction::ToClient, 1);
    scene.proxy.script_next(held);
    scene.proxy.cut_all();
    subscribed(&mut events).await;
    assert_eq!(scene.proxy.counters().connections, 3);
    // Now it arrives.
    scene.meet();
    scene.node.server().wait_for_open(1).await;
    within(scene.room.publish("1"))
        .await
        .expect("the session is still the client's");
    expect(&mut events, 1..=1).await;
    assert_eq!(scene.client.member(), member);
    assert_eq!(
        scene.proxy.counters().connections,
        3,
        "it was not parted from the server"
    );
}

/// The clock of this test and its client goes ahead by so much; the server has its own.
async fn jump(by: Duration) {
    time::pause();
    time::advance(by).await;
    time::resume();
}

/// This thread, the only one of the client and the proxy, does nothing until the server has given its connections up.
fn stand_still_until_parted(scene: &Scene) {
    let server = scene.node.server();
    let wait = || {
        let runtime = Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(server.wait_for_open(0));
    };
    thread::scope(|scope| scope.spawn(wait).join()).expect("in time");
}

#[tokio::test]
async fn a_client_whose_clock_jumped_looks_at_what_came_before_it_looks_at_deadlines() {
    let scene = Scene::with(
        |settings| {
            settings.ping_interval = Duration::from_millis(200);
            settings.silence_timeout = Duration::from_secs(60);
        },
        |_| {},
    )
    .await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    scene.say(1..=1).await;
    expect(&mut events, 1..=1).await;
    // By its clock, it has not run for longer than it waits for the server, as in a laptop that sleeps.
    scene.say(2..=2).await;
    jump(Duration::from_secs(3)).await;
    expect(&mut events, 2..=2).await;
    within(scene.room.publish("3")).await.expect("accepted");
    expect(&mut events, 3..=3).await;
    assert_eq!(scene.proxy.counters().connections, 1, "it was heard all the time");
}

#[tokio::test]
async fn a_client_that_slept_until_the_server_took_it_for_dead_comes_back_to_what_it_missed() {
    let scene = Scene::with(
        |settings| {
            settings.ping_interval = Duration::from_millis(200);
            settings.silence_timeout = Duration::from_millis(500);
        },
        |_| {},
    )
    .await;
    let mut events = scene.subscribe();
    subscribed(&mut events).await;
    let member = scene.client.member();
    stand_still_until_parted(&scene);
    scene.say(1..=3).await;
    expect(&mut events, 1..=3).await;
    assert_eq!(scene.client.member(), member);
    assert_eq!(scene.proxy.counters().connections, 2);
}
