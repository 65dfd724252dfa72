//! From an address to an open socket, or to none.

use tidewire_client::{ConnectError, Event, ReadyState, Socket, SocketOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Notes, fixture, next, next_close, open_with, refused};

fn offering(protocols: &[&str]) -> SocketOptions {
    let mut options = SocketOptions::default();
    options.protocols = protocols.iter().map(|&name| name.into()).collect();
    options
}

fn connect_error(url: &str, options: &SocketOptions) -> Option<ConnectError> {
    Socket::connect(url, options).err()
}

/// leptos-use 0.20.1: the ready state was not yet open when the open event came.
#[wasm_bindgen_test]
async fn the_ready_state_is_that_of_the_event() {
    let url = fixture("/fixture/close?code=1000");
    let (socket, mut events) = Socket::connect(&url, &SocketOptions::default()).unwrap();
    assert_eq!(socket.ready_state(), ReadyState::Connecting);
    assert_eq!(
        next(&mut events).await,
        Event::Open {
            protocol: String::new()
        }
    );
    assert_eq!(socket.ready_state(), ReadyState::Open);
    socket.send("close").unwrap();
    next_close(&mut events).await;
    assert_eq!(socket.ready_state(), ReadyState::Closed);
    assert_eq!(socket.url(), url);
}

#[wasm_bindgen_test]
async fn the_callback_gets_open_message_and_close() {
    let mut events = Notes::new();
    let url = fixture("/fixture/mixed");
    let _socket = Socket::listen(&url, &SocketOptions::default(), events.pen()).unwrap();
    events.reach(102).await;
    let events = events.all();
    assert!(matches!(events[0], Event::Open { .. }));
    assert!(events[1..=100].iter().all(|event| matches!(event, Event::Message(_))));
    assert!(matches!(&events[101], Event::Close(close) if close.code == 1000));
}

#[wasm_bindgen_test]
async fn a_refused_port_is_an_error_and_then_a_close() {
    let (socket, mut events) = Socket::connect(&refused(), &SocketOptions::default()).unwrap();
    assert_eq!(next(&mut events).await, Event::Error);
    let close = next_close(&mut events).await;
    assert_eq!((close.code, close.was_clean), (1006, false));
    assert_eq!(socket.ready_state(), ReadyState::Closed);
}

/// yew-hooks 0.6: a bad address panics.
#[wasm_bindgen_test]
fn a_bad_address_is_an_error() {
    for url in [
        "ws://",
        "ws://[",
        "mailto:a@b",
        "ws://127.0.0.1:99999/",
        "ws://127.0.0.1/#top",
    ] {
        let error = connect_error(url, &SocketOptions::default());
        assert_eq!(error, Some(ConnectError::InvalidUrl), "{url}");
    }
}

#[wasm_bindgen_test]
fn a_bad_protocol_is_an_error_of_its_own() {
    for protocols in [&[""][..], &["a b"], &["a,b"], &["a", "a"], &["é"]] {
        let error = connect_error(&fixture("/echo"), &offering(protocols));
        assert_eq!(error, Some(ConnectError::InvalidProtocols), "{protocols:?}");
    }
}

/// tokio-tungstenite-wasm 0.9: two protocols are joined by a comma into one, which is a syntax error. gloo-net 0.7: a
/// list of them needs `serde_json`.
#[wasm_bindgen_test]
async fn two_protocols_are_offered_as_two() {
    let options = offering(&["tidewire.v1", "tidewire.v0"]);
    let (socket, mut events) = Socket::connect(&fixture("/echo"), &options).unwrap();
    let protocol = "tidewire.v1".to_owned();
    assert_eq!(socket.protocol(), "");
    assert_eq!(
        next(&mut events).await,
        Event::Open {
            protocol: protocol.clone()
        }
    );
    assert_eq!(socket.protocol(), protocol);
}

#[wasm_bindgen_test]
async fn no_protocol_is_offered_by_default() {
    let (socket, _events) = open_with(&fixture("/echo"), &SocketOptions::default()).await;
    assert_eq!(socket.protocol(), "");
}
