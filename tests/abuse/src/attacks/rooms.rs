//! What breaks the rules of `docs/PROTOCOL.md`, over `/ws` and over `/poll`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::interval;

use crate::{
    answer::Answer::{self, Close, GoesOn, Refused, Status, Told},
    attack::Attack,
    frame::{self, BINARY, CONTINUATION, FIN, TEXT},
    peer::{DEADLINE, Peer},
    room::{
        CLOSED, HELLO, Heard, Member, PUBLISH, PUBLISHED, REFUSED, SUBSCRIBE, SUBSCRIBED, WELCOME, batch, code, hello,
        hello_with, publish, put, signal, split, subscribe, text, varint,
    },
    target::Target,
};

const WS: &[&str] = &["/ws"];
const BOTH: &[&str] = &["/ws", "/poll"];

/// At `/ws` a close frame, at `/poll` 400 where there is no session yet, and a close in the answer where there is.
const FAULT: &[Answer] = &[Close(1002), Status(400), Told(1002)];

/// An attack that is one batch, the first of all.
macro_rules! first {
    ($name:literal, $expected:expr, $batch:expr) => {
        Attack::act($name, $expected, |target, path| {
            Box::pin(async move {
                match path {
                    "/poll" => poll(target, &$batch).await,
                    _ => say(Peer::open(target, path).await?, &$batch).await,
                }
            })
        })
        .at(BOTH)
    };
}

/// An attack that is one batch after hello: after the welcome, or in one batch with it where it is a poll.
macro_rules! after_hello {
    ($name:literal, $expected:expr, $frames:expr) => {
        Attack::act($name, $expected, |target, path| {
            Box::pin(async move {
                match path {
                    "/poll" => poll(target, &[&hello(1, None)[..], &$frames].concat()).await,
                    _ => say(Member::join(target).await?.peer, &$frames).await,
                }
            })
        })
        .at(BOTH)
    };
}

pub(super) static ATTACKS: &[Attack] = &[
    Attack::frames("text", &[Close(1003), Close(1002)], |_| {
        frame::frame(FIN | TEXT, b"hello")
    })
    .at(WS),
    Attack::act("no hello", &[Close(4103)], |target, path| {
        Box::pin(async move { Peer::open(target, path).await?.verdict().await })
    })
    .waits()
    .at(WS),
    Attack::act("hello without end", &[Close(4103)], |target, path| {
        Box::pin(async move {
            let peer = Peer::open(target, path).await?;
            dribble(peer, &[HELLO]).await
        })
    })
    .at(WS)
    .waits(),
    Attack::act("message without end", &[Close(4000)], |target, _| {
        Box::pin(async move { dribble(Member::join(target).await?.peer, b"x").await })
    })
    .at(WS)
    .waits(),
    first!("batch of nothing", &[Close(1002), Status(400), GoesOn], []),
    first!("subscribe before hello", FAULT, subscribe(1, "lobby")),
    first!("unknown kind before hello", &[GoesOn, Status(400)], put(0x7f, &[b"x"])),
    first!("hello that is cut", FAULT, hello(1, None)[..4]),
    first!(
        "hello of version 2",
        &[Close(4201), Told(4201)],
        hello_with(2, 1, None, 0)
    ),
    first!(
        "hello of version 0",
        &[Close(4201), Told(4201)],
        hello_with(0, 1, None, 0)
    ),
    first!(
        "hello with a session of another length",
        FAULT,
        put(HELLO, &[&[1, 1, 15], &[7; 15], &[0, 0]])
    ),
    first!(
        "number in more bytes than it needs",
        FAULT,
        [HELLO, 6, 0x81, 0x00, 1, 0, 0, 0]
    ),
    first!(
        "number of more than 64 bits",
        FAULT,
        put(HELLO, &[&[1], &[0xff; 10], &[1, 0, 0, 0]])
    ),
    first!(
        "frame of 2^64 bytes",
        FAULT,
        [&[HELLO][..], &varint(u64::MAX), b"x"].concat()
    ),
    Attack::act("subscribe before the welcome", FAULT, |target, path| {
        Box::pin(async move {
            let early = [hello(1, None), subscribe(1, "lobby")].concat();
            say(Peer::open(target, path).await?, &early).await
        })
    })
    .at(WS),
    after_hello!("second hello", FAULT, hello(2, None)),
    after_hello!("frame that ends after its batch", FAULT, [SUBSCRIBE, 100, 1, 0]),
    after_hello!("room without a name", FAULT, subscribe(1, "")),
    after_hello!("room with a name of 129 bytes", FAULT, subscribe(1, &"r".repeat(129))),
    after_hello!("room with a line feed in its name", FAULT, subscribe(1, "a\nb")),
    after_hello!(
        "room with a name that is not UTF-8",
        FAULT,
        put(SUBSCRIBE, &[&[1, 0], &text(b"\xff\xfe")])
    ),
    after_hello!(
        "options that do not exist",
        FAULT,
        put(SUBSCRIBE, &[&[1, 3], &text(b"lobby")])
    ),
    after_hello!("request of 33 bits", FAULT, subscribe(1 << 32, "lobby")),
    after_hello!(
        "text that is not UTF-8 in a publish",
        FAULT,
        publish(1, "lobby", b"\xff")
    ),
    after_hello!("text that is not UTF-8 in a signal", FAULT, signal("lobby", b"\xff")),
    after_hello!(
        "publish number 0",
        &[Close(4203), Told(4203), Close(1002), Told(1002)],
        publish(0, "lobby", b"x")
    ),
    after_hello!(
        "publish number 2^64 - 1",
        &[Close(4203), Told(4203), Close(1002), Told(1002)],
        publish(u64::MAX, "lobby", b"x")
    ),
    after_hello!("publish whose room is cut", FAULT, put(PUBLISH, &[&[1, 100], b"lob"])),
    after_hello!(
        "payload past the limit",
        &[Refused(2)],
        publish(1, "lobby", &[b'x'; (64 << 10) + 1])
    ),
    after_hello!(
        "room asked for twice",
        &[Refused(4)],
        [subscribe(1, "lobby"), subscribe(2, "lobby")].concat()
    ),
    after_hello!(
        "unknown kinds",
        &[GoesOn, Status(200)],
        [put(0x7e, &[b"what is this"]).repeat(1000), publish(1, "unknown", b"x")].concat()
    ),
    Attack::mass("sessions guessed", &[GoesOn], |target, _| Box::pin(guess(target))).at(WS),
    Attack::act("attempt that goes backwards", &[Close(4200)], |target, _| {
        Box::pin(backwards(target))
    })
    .at(WS),
    Attack::act(
        "more answered than was published",
        &[GoesOn, Close(4203), Close(1002)],
        |target, _| Box::pin(answered(target)),
    )
    .at(WS),
    Attack::act("position that never was", &[GoesOn], |target, _| {
        Box::pin(absurd(target))
    })
    .at(WS),
];

/// Says one batch, and what the server makes of it: how it closes, what it refuses, or that it goes on.
async fn say(mut peer: Peer, bytes: &[u8]) -> Result<Answer> {
    peer.send(&batch(bytes)).await?;
    peer.ask().await?;
    while let Some(frame) = peer.frame().await? {
        match frame.opcode {
            BINARY => {
                let heard = split(&frame.payload)?;
                if let Some(refused) = heard.iter().find(|(kind, _)| *kind == REFUSED) {
                    return Ok(Refused(code(refused)?));
                }
            }
            frame::CLOSE => return peer.on_close(&frame).await,
            frame::PONG => return Ok(GoesOn),
            _ => {}
        }
    }
    Ok(Answer::Dropped)
}

async fn poll(target: Target, bytes: &[u8]) -> Result<Answer> {
    let mut peer = Peer::connect(target).await?;
    let head = format!(
        "POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    peer.send(&[head.as_bytes(), bytes].concat()).await?;
    let (head, body) = peer.response().await?.context("no answer")?;
    if head.status != 200 {
        return Ok(Status(head.status));
    }
    let heard = split(&body)?;
    let find = |wanted: u8| heard.iter().find(|(kind, _)| *kind == wanted);
    Ok(match (find(CLOSED), find(REFUSED)) {
        (Some(closed), _) => Told(code(closed)?),
        (None, Some(refused)) => Refused(code(refused)?),
        (None, None) => Status(200),
    })
}

/// A fragment every so often, of a message that does not end.
async fn dribble(mut peer: Peer, part: &[u8]) -> Result<Answer> {
    peer.send(&frame::frame(BINARY, part)).await?;
    let mut ticks = interval(Duration::from_millis(50));
    let begun = ticks.tick().await;
    while peer.send_while_taken(&frame::frame(CONTINUATION, part)).await? {
        let now = ticks.tick().await;
        ensure!(now - begun < DEADLINE, "a message without end is taken for ever");
        if let Some(answer) = peer.closed_by_now().await? {
            return Ok(answer);
        }
    }
    Ok(Answer::Dropped)
}

/// Sessions of others are tried: none may be had.
async fn guess(target: Target) -> Result<Answer> {
    for number in 0..target.scale.items as u64 / 20 {
        let mut session = [0; 16];
        session[8..].copy_from_slice(&number.to_be_bytes());
        let mut peer = Peer::open(target, "/ws").await?;
        peer.send(&batch(&hello(1, Some(session)))).await?;
        let frame = peer.frame().await?.context("no welcome")?;
        let heard: Vec<Heard> = split(&frame.payload)?;
        let (kind, body) = heard.first().context("an empty batch")?;
        ensure!(*kind == WELCOME && body.first() == Some(&2), "not replaced: {heard:?}");
    }
    Ok(GoesOn)
}

async fn backwards(target: Target) -> Result<Answer> {
    let mut first = Member::over(Peer::open(target, "/ws").await?, 9, None).await?;
    let mut second = Peer::open(target, "/ws").await?;
    second.send(&batch(&hello(8, Some(first.session)))).await?;
    let answer = second.verdict().await?;
    ensure!(
        first.peer.goes_on().await? == GoesOn,
        "the session was taken by an earlier attempt"
    );
    Ok(answer)
}

async fn answered(target: Target) -> Result<Answer> {
    let session = Member::join(target).await?.session;
    let mut peer = Peer::open(target, "/ws").await?;
    peer.send(&batch(&hello_with(1, 2, Some(session), u64::MAX))).await?;
    peer.goes_on().await
}

/// Subscribes after a position of another epoch and past any end; a gap says so, and then all goes its way.
async fn absurd(target: Target) -> Result<Answer> {
    let mut member = Member::join(target).await?;
    let position = [&[0xee; 8][..], &varint(u64::MAX)].concat();
    member
        .say(&put(SUBSCRIBE, &[&[1, 2], &position, &text(b"absurd")]))
        .await?;
    member.wait_for(&[SUBSCRIBED]).await?;
    member.say(&publish(1, "absurd", b"x")).await?;
    member.wait_for(&[PUBLISHED]).await?;
    member.peer.goes_on().await
}
