//! The stream holds only so much.

use futures_util::StreamExt;
use tidewire_client::{CloseCode, Event, ReadyState, Socket, SocketOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Notes, fixture, next, next_message, open_with, within};

fn holding(bytes: usize) -> SocketOptions {
    let mut options = SocketOptions::default();
    options.max_queued_bytes = bytes;
    options
}

/// smoldot#1089, and every `unbounded` between a browser socket and a stream: a slow program grows without limit.
#[wasm_bindgen_test]
async fn past_its_bound_the_stream_gives_what_it_held_and_then_the_overrun() {
    // Room for three messages of 1000 bytes and what each costs beside them, and not for a fourth.
    let (socket, mut events) = open_with(&fixture("/fixture/flood?messages=1000&bytes=1000"), &holding(4000)).await;
    within("end of the connection", closed(&socket)).await;
    for _ in 0..3 {
        assert_eq!(next_message(&mut events).await.len(), 1000);
    }
    let Event::Close(close) = next(&mut events).await else {
        panic!("not a close");
    };
    assert_eq!((close.code, close.was_clean), (CloseCode::OVERRUN.0, false));
    assert_eq!(within("end", events.next()).await, None);
}

/// Empty messages take memory too.
#[wasm_bindgen_test]
async fn messages_without_bytes_fill_the_stream_as_well() {
    let (socket, mut events) = open_with(&fixture("/fixture/flood?messages=1000&bytes=0"), &holding(4000)).await;
    within("end of the connection", closed(&socket)).await;
    let mut messages = 0;
    while let Event::Message(_) = next(&mut events).await {
        messages += 1;
    }
    assert!((1..=4000 / 64).contains(&messages), "{messages}");
}

#[wasm_bindgen_test]
async fn a_program_that_keeps_up_gets_everything() {
    let (_socket, mut events) = open_with(&fixture("/fixture/flood?messages=1000&bytes=1000"), &holding(1 << 20)).await;
    for _ in 0..1000 {
        assert_eq!(next_message(&mut events).await.len(), 1000);
    }
}

/// Until a close has begun, with the stream left alone: other sockets' events are the clock.
async fn closed(socket: &Socket) {
    let mut ticks = Notes::new();
    while socket.ready_state() == ReadyState::Open {
        let seen = ticks.all().len();
        let _clock = Socket::listen(&fixture("/echo"), &SocketOptions::default(), ticks.pen()).unwrap();
        ticks.reach(seen + 1).await;
    }
}
