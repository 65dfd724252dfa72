//! After a drop there is nothing: no handler, no connection.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt;
use tidewire_client::{Event, Socket, SocketOptions};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Notes, Uncaught, drained, fixture, get, next_message, open, refused, round_trip, tagged, within};

fn listen(url: &str, on_event: impl Fn(Event) + 'static) -> Socket {
    Socket::listen(url, &SocketOptions::default(), on_event).unwrap()
}

/// subxt#1288, rust-libp2p#5490, gloo PR#264: "closure invoked recursively or after being dropped", as `close()` reports
/// when the closures are gone.
#[wasm_bindgen_test]
async fn no_handler_runs_after_drop() {
    let uncaught = Uncaught::watch();
    let mut events = Notes::new();
    let tag = tagged("dropped");
    let socket = listen(&fixture(&format!("/fixture/tagged/{tag}")), events.pen());
    events.reach(1).await;
    socket.send("an answer is under way").unwrap();
    drop(socket);
    drained(&tag).await;
    round_trip().await;
    assert_eq!(events.all().len(), 1);
    assert_eq!(uncaught.all(), [JsValue::UNDEFINED; 0]);
}

/// tokio-tungstenite-wasm 0.9: a dropped `connect()` leaves freed closures on the socket.
#[wasm_bindgen_test]
async fn no_handler_runs_after_a_drop_while_connecting() {
    let uncaught = Uncaught::watch();
    let events = Notes::new();
    drop(listen(&fixture("/echo"), events.pen()));
    drop(listen(&refused(), events.pen()));
    round_trip().await;
    assert_eq!(events.all(), []);
    assert_eq!(uncaught.all(), [JsValue::UNDEFINED; 0]);
}

/// As above: the other 99 messages are with the browser when the first is handled.
#[wasm_bindgen_test]
async fn no_handler_runs_after_a_drop_inside_it_with_events_pending() {
    let uncaught = Uncaught::watch();
    let slot: Rc<RefCell<Option<Socket>>> = Rc::default();
    let mut messages = Notes::new();
    let (note, owner) = (messages.pen(), slot.clone());
    let socket = listen(&fixture("/fixture/mixed"), move |event| {
        if let Event::Message(message) = event {
            let socket = owner.take();
            drop(socket);
            note(message);
        }
    });
    slot.replace(Some(socket));
    messages.reach(1).await;
    round_trip().await;
    assert_eq!(messages.all(), ["1".into()]);
    assert_eq!(uncaught.all(), [JsValue::UNDEFINED; 0]);
}

#[wasm_bindgen_test]
async fn a_drop_inside_open_and_inside_close_is_fine() {
    for at_close in [false, true] {
        let slot: Rc<RefCell<Option<Socket>>> = Rc::default();
        let mut dropped = Notes::new();
        let (note, owner) = (dropped.pen(), slot.clone());
        let socket = listen(&fixture("/fixture/mixed"), move |event| {
            if matches!(event, Event::Close(_)) == at_close {
                let socket = owner.take();
                note(socket.is_some());
            }
        });
        slot.replace(Some(socket));
        dropped.reach(1).await;
        round_trip().await;
        assert!(dropped.all()[0]);
    }
}

/// What a callback captured is dropped with the socket: wasm-sockets 1.0, ewebsock 0.8 and yew-hooks 0.6 `forget` their
/// closures.
#[wasm_bindgen_test]
async fn dropping_the_socket_frees_the_callback() {
    let captured = Rc::new(());
    let weak = Rc::downgrade(&captured);
    let socket = listen(&fixture("/echo"), move |_| drop(captured.clone()));
    assert_eq!(weak.strong_count(), 1);
    drop(socket);
    assert_eq!(weak.strong_count(), 0);
}

#[wasm_bindgen_test]
async fn dropping_the_socket_ends_its_stream_after_what_had_come() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    let pending = async {
        round_trip().await;
        drop(socket);
    };
    let ((), rest) = futures_util::future::join(pending, within("end", events.next())).await;
    assert_eq!(rest, None);
}

#[wasm_bindgen_test]
async fn dropping_the_stream_leaves_the_socket_for_sending() {
    let tag = tagged("send-only");
    let (socket, events) = open(&fixture(&format!("/fixture/tagged/{tag}"))).await;
    drop(events);
    socket.send("nobody reads the answer").unwrap();
    round_trip().await;
    socket.send("and still").unwrap();
    assert_eq!(get(&format!("/fixture/open/{tag}")).await, (200, "1".into()));
}

/// yew-hooks 0.6: after a change of address the old socket's close reaches the new one, which closes in turn.
#[wasm_bindgen_test]
async fn events_of_a_replaced_socket_do_not_reach_the_new_one() {
    let tag = tagged("replaced");
    let mut conversation = open(&fixture(&format!("/fixture/tagged/{tag}"))).await;
    conversation.0.send("the answer is lost").unwrap();
    conversation = open(&fixture("/echo")).await;
    drained(&tag).await;
    conversation.0.send("new").unwrap();
    assert_eq!(next_message(&mut conversation.1).await, "new".into());
}
