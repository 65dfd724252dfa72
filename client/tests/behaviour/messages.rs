//! What is sent arrives, as what it was.

use tidewire_client::{Event, Message};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{fixture, next, next_close, next_message, open};

async fn echo(message: Message) {
    let (socket, mut events) = open(&fixture("/echo")).await;
    socket.send(message.clone()).unwrap();
    assert!(
        next_message(&mut events).await == message,
        "{} bytes changed",
        message.len()
    );
}

#[wasm_bindgen_test]
async fn text_comes_back_as_it_went() {
    for text in ["", "a", "Hello Server!", "żółć 🦀\0\n"] {
        echo(text.into()).await;
    }
}

/// gloo-net 0.7: every binary message takes a detour through a `Blob`.
#[wasm_bindgen_test]
async fn bytes_come_back_as_they_went() {
    for bytes in [&[][..], &[0], &[0xff; 300], b"\xf0\x28\x8c\x28"] {
        echo(bytes.into()).await;
    }
}

#[wasm_bindgen_test]
async fn a_mebibyte_of_text_comes_back() {
    echo("0123456789abcdef".repeat(MEBIBYTE / 16).into()).await;
}

#[wasm_bindgen_test]
async fn a_mebibyte_of_bytes_comes_back() {
    let bytes: Vec<u8> = (0..MEBIBYTE).map(|index| (index % 251) as u8).collect();
    echo(bytes.into()).await;
}

/// ewebsock 0.8: after the first binary send, bytes are read from blobs, and text overtakes them.
#[wasm_bindgen_test]
async fn text_and_bytes_keep_their_order_when_received() {
    let (_socket, mut events) = open(&fixture("/fixture/mixed")).await;
    for number in 1..=100_u8 {
        assert_eq!(next_message(&mut events).await, numbered(number));
    }
    assert_eq!(next_close(&mut events).await.code, 1000);
}

/// gloo-net 0.7 and ewebsock 0.8, as above.
#[wasm_bindgen_test]
async fn text_and_bytes_keep_their_order_when_sent() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    for number in 1..=100 {
        socket.send(numbered(number)).unwrap();
    }
    for number in 1..=100 {
        assert_eq!(next_message(&mut events).await, numbered(number));
    }
}

/// RFC 6455, 7.4.1: too big for the server.
#[wasm_bindgen_test]
async fn a_message_over_the_limit_of_the_server_closes_with_1009() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    socket.send(vec![0; MEBIBYTE + 1]).unwrap();
    let close = next_close(&mut events).await;
    assert_eq!(close.code, 1009);
}

#[wasm_bindgen_test]
async fn a_server_that_vanishes_is_a_close_that_was_not_clean() {
    let (socket, mut events) = open(&fixture("/fixture/vanish")).await;
    socket.send("vanish").unwrap();
    let mut last = next(&mut events).await;
    if last == Event::Error {
        last = next(&mut events).await;
    }
    let Event::Close(close) = last else {
        panic!("not a close: {last:?}");
    };
    assert_eq!((close.code, close.was_clean), (1006, false));
}

/// As `/fixture/mixed` numbers its messages.
fn numbered(number: u8) -> Message {
    if number % 2 == 1 {
        number.to_string().into()
    } else {
        vec![number].into()
    }
}

const MEBIBYTE: usize = 1 << 20;
