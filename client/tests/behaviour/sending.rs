//! A message that cannot be sent is given back.

use tidewire_client::{Message, ReadyState, SendError, SendErrorCause, Socket, SocketOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{fixture, next_close, next_message, open, open_with};

fn given_back(socket: &Socket, state: ReadyState) {
    for message in [Message::from("text"), Message::from(vec![1, 2, 3])] {
        let cause = SendErrorCause::NotOpen(state);
        assert_eq!(socket.send(message.clone()), Err(SendError { message, cause }));
    }
}

/// yew-hooks 0.6: dropped without a word unless open when the page was last rendered.
#[wasm_bindgen_test]
fn send_while_connecting_gives_the_message_back() {
    let (socket, _events) = Socket::connect(&fixture("/echo"), &SocketOptions::default()).unwrap();
    given_back(&socket, ReadyState::Connecting);
}

#[wasm_bindgen_test]
async fn send_while_closing_gives_the_message_back() {
    let (socket, _events) = open(&fixture("/echo")).await;
    socket.close(1000, "").unwrap();
    given_back(&socket, ReadyState::Closing);
}

/// gloo-net#499: sending on a closed socket is `Ok`, and the message is lost.
#[wasm_bindgen_test]
async fn send_when_closed_gives_the_message_back() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    socket.close(1000, "").unwrap();
    next_close(&mut events).await;
    given_back(&socket, ReadyState::Closed);
}

/// gloo PR#510: no way to ask whether the network keeps up.
#[wasm_bindgen_test]
async fn what_the_network_has_not_taken_is_counted() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    assert_eq!(socket.buffered_amount(), 0);
    socket.send(vec![0; 100_000]).unwrap();
    socket.send("żółć").unwrap();
    assert_eq!(
        socket.buffered_amount(),
        100_008,
        "counts bytes, and until the task ends"
    );
    next_message(&mut events).await;
    next_message(&mut events).await;
    assert_eq!(socket.buffered_amount(), 0);
}

#[wasm_bindgen_test]
async fn past_the_bound_send_gives_the_message_back_until_the_network_took_some() {
    let mut options = SocketOptions::default();
    options.max_buffered_bytes = 1000;
    let (socket, mut events) = open_with(&fixture("/echo"), &options).await;
    socket.send(vec![0; 1000]).expect("nothing waits");
    socket.send(vec![0; 1]).expect("as much waits as may");
    let message = Message::from("one more");
    let cause = SendErrorCause::BufferFull;
    assert_eq!(
        socket.send(message.clone()),
        Err(SendError {
            message: message.clone(),
            cause
        })
    );
    next_message(&mut events).await;
    next_message(&mut events).await;
    socket.send(message.clone()).expect("all was sent");
    assert_eq!(next_message(&mut events).await, message);
}
