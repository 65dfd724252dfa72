//! The close, either way.

use tidewire_client::{CloseError, ReadyState, Socket, SocketOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{fixture, next_close, open};

/// rust-libp2p PR#5229: `close(1001)` threw, was ignored, and the socket stayed. gloo-net 0.7: a reason without a code
/// becomes `close(1005)`, which throws.
#[wasm_bindgen_test]
async fn codes_that_browsers_refuse_are_errors() {
    let (socket, _events) = open(&fixture("/echo")).await;
    for code in [0, 999, 1001, 1002, 1005, 1006, 1015, 2999, 5000, u16::MAX] {
        assert_eq!(socket.close(code, "reason"), Err(CloseError::InvalidCode), "{code}");
    }
    assert_eq!(socket.ready_state(), ReadyState::Open);
}

#[wasm_bindgen_test]
async fn codes_that_browsers_accept_reach_the_server_and_come_back() {
    for code in [1000, 3000, 4999] {
        let (socket, mut events) = open(&fixture("/echo")).await;
        assert_eq!(socket.close(code, "bye"), Ok(()), "{code}");
        assert_eq!(socket.ready_state(), ReadyState::Closing);
        let close = next_close(&mut events).await;
        assert_eq!((close.code, close.was_clean), (code, true));
    }
}

#[wasm_bindgen_test]
async fn a_reason_of_123_bytes_is_taken_and_one_byte_more_is_an_error() {
    for (longest, too_long) in [
        ("a".repeat(123), "a".repeat(124)),
        ("żż€".repeat(17) + "żż", "€".repeat(41) + "b"),
    ] {
        let (socket, mut events) = open(&fixture("/echo")).await;
        assert_eq!((longest.len(), too_long.len()), (123, 124));
        assert_eq!(socket.close(4000, &too_long), Err(CloseError::ReasonTooLong));
        assert_eq!(socket.ready_state(), ReadyState::Open);
        assert_eq!(socket.close(4000, &longest), Ok(()));
        assert_eq!(next_close(&mut events).await.code, 4000);
    }
}

#[wasm_bindgen_test]
async fn the_code_and_reason_of_the_server_are_reported() {
    let (socket, mut events) = open(&fixture("/fixture/close?code=4123&reason=enough")).await;
    socket.send("close").unwrap();
    let close = next_close(&mut events).await;
    assert_eq!(
        (close.code, close.reason.as_str(), close.was_clean),
        (4123, "enough", true)
    );
}

#[wasm_bindgen_test]
async fn closing_while_connecting_ends_in_a_close_that_was_not_clean() {
    let (socket, mut events) = Socket::connect(&fixture("/echo"), &SocketOptions::default()).unwrap();
    socket.close(1000, "").unwrap();
    assert_eq!(socket.ready_state(), ReadyState::Closing);
    let close = next_close(&mut events).await;
    assert_eq!((close.code, close.was_clean), (1006, false));
}

#[wasm_bindgen_test]
async fn closing_twice_changes_nothing() {
    let (socket, mut events) = open(&fixture("/echo")).await;
    socket.close(4001, "first").unwrap();
    socket.close(4002, "second").unwrap();
    assert_eq!(next_close(&mut events).await.code, 4001);
    socket.close(4003, "third").unwrap();
    assert_eq!(socket.ready_state(), ReadyState::Closed);
}
