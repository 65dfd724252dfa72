//! A callback may do anything with any socket.

use std::cell::RefCell;
use std::rc::Rc;

use tidewire_client::{Close, Event, ReadyState, Socket, SocketOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{Notes, fixture};

type Slot = Rc<RefCell<Option<Rc<Socket>>>>;

/// A socket that its own callback can reach.
fn listen(path: &str, on_event: impl Fn(&Rc<Socket>, Event) + 'static) -> Slot {
    let slot = Slot::default();
    let own = Rc::downgrade(&slot);
    let socket = Socket::listen(&fixture(path), &SocketOptions::default(), move |event| {
        let socket = own.upgrade().and_then(|slot| slot.borrow().clone());
        on_event(&socket.unwrap(), event);
    });
    slot.replace(Some(Rc::new(socket.unwrap())));
    slot
}

/// wasm-bindgen#1578, #3397: "recursive use of an object detected" when a handler calls back.
#[wasm_bindgen_test]
async fn a_callback_sends_asks_and_closes() {
    let mut closes = Notes::<Close>::new();
    let note = closes.pen();
    let _socket = listen("/echo", move |socket, event| match event {
        Event::Open { .. } => {
            socket.send("from open").unwrap();
            assert_eq!(socket.ready_state(), ReadyState::Open);
            assert!(socket.buffered_amount() > 0);
        }
        Event::Message(message) => {
            assert_eq!(message, "from open".into());
            socket.close(4000, "from message").unwrap();
        }
        Event::Close(close) => {
            assert!(socket.send("too late").is_err());
            socket.close(1000, "").unwrap();
            note(close);
        }
        other => panic!("unexpected: {other:?}"),
    });
    closes.reach(1).await;
    assert_eq!(closes.all()[0].code, 4000);
}

#[wasm_bindgen_test]
async fn a_callback_opens_another_socket_in_its_place() {
    let mut opened = Notes::<&str>::new();
    let (first, second) = (opened.pen(), Rc::new(opened.pen()));
    let place: Rc<RefCell<Option<Socket>>> = Rc::default();
    let in_callback = Rc::downgrade(&place);
    let socket = Socket::listen(&fixture("/echo"), &SocketOptions::default(), move |_| {
        first("first");
        let second = second.clone();
        let next = Socket::listen(&fixture("/echo"), &SocketOptions::default(), move |_| second("second"));
        let previous = in_callback.upgrade().unwrap().replace(Some(next.unwrap()));
        drop(previous);
    });
    place.replace(Some(socket.unwrap()));
    opened.reach(2).await;
    assert_eq!(opened.all(), ["first", "second"]);
}
