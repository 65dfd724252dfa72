//! `/echo`: messages, limits, control frames and faults, by RFC 6455.

use tidewire_protocol::CloseCode;
use tidewire_tests::{Frame, Raw, Server};
use tokio_tungstenite::tungstenite::Message;

const LIMIT: usize = 1 << 20;

async fn upgraded(server: &Server) -> Raw {
    Raw::upgraded(server.address(), "/echo").await
}

#[tokio::test]
async fn text_and_bytes_come_back_unchanged() {
    let server = Server::start_default();
    let mut client = server.connect("/echo").await;
    let messages = ["", "hello", "näïve ☃ 🦀"].map(Message::text);
    let bytes = [
        vec![],
        vec![0, 255, 128],
        (0..=255).cycle().take(70_000).collect::<Vec<u8>>(),
    ]
    .map(Message::binary);
    for message in messages.into_iter().chain(bytes) {
        client.send(message.clone()).await;
        assert_eq!(client.next().await, message);
    }
}

#[tokio::test]
async fn many_messages_come_back_in_order() {
    let server = Server::start_default();
    let mut client = server.connect("/echo").await;
    for round in 0..20 {
        for number in 0..100 {
            client.send(format!("{round} {number}")).await;
        }
        for number in 0..100 {
            assert_eq!(client.text().await, format!("{round} {number}"));
        }
    }
}

#[tokio::test]
async fn the_largest_message_comes_back_and_one_byte_more_closes_with_1009() {
    let server = Server::start_default();
    let mut client = server.connect("/echo").await;
    for message in [Message::text("x".repeat(LIMIT)), Message::binary(vec![7; LIMIT])] {
        client.send(message.clone()).await;
        assert!(client.next().await == message, "the largest message comes back");
    }
    client.send(Message::binary(vec![7; LIMIT + 1])).await;
    assert_eq!(client.closed().await, CloseCode::MESSAGE_TOO_BIG);
}

#[tokio::test]
async fn the_limit_can_be_set_and_is_exact() {
    for limit in [0, 1, 124, 125, 126, 65_535, 65_536] {
        let server = Server::start(|settings| settings.max_message_bytes = limit);
        let mut client = server.connect("/echo").await;
        client.send(Message::binary(vec![1; limit])).await;
        assert_eq!(client.next().await, Message::binary(vec![1; limit]));
        client.send(Message::binary(vec![1; limit + 1])).await;
        assert_eq!(client.closed().await, CloseCode::MESSAGE_TOO_BIG, "{limit}");
    }
}

#[tokio::test]
async fn a_small_limit_for_messages_leaves_control_frames_alone() {
    let server = Server::start(|settings| settings.max_message_bytes = 1);
    let mut raw = upgraded(&server).await;
    raw.send(&Frame::new(Frame::PING, &[9; 125]).masked()).await;
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::PONG, &[9; 125])));
}

#[tokio::test]
async fn fragments_count_together() {
    let server = Server::start(|settings| settings.max_message_bytes = 10);
    let mut raw = upgraded(&server).await;
    for part in [
        Frame::unfinished(Frame::TEXT, b"12345"),
        Frame::unfinished(Frame::CONTINUATION, b""),
        Frame::new(Frame::CONTINUATION, b"67890"),
    ] {
        raw.send(&part.masked()).await;
    }
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::TEXT, b"1234567890")));

    raw.send(&Frame::unfinished(Frame::TEXT, b"123456").masked()).await;
    raw.send(&Frame::new(Frame::CONTINUATION, b"78901").masked()).await;
    assert_eq!(raw.closed().await, 1009);
}

#[tokio::test]
async fn a_message_over_the_limit_that_is_still_being_sent_is_answered_with_1009() {
    let server = Server::start_default();
    let mut raw = upgraded(&server).await;
    let frame = Frame::new(Frame::BINARY, &vec![0; 8 * LIMIT]);
    raw.send_while_taken(&frame.masked()).await;
    assert_eq!(raw.closed().await, 1009);
}

#[tokio::test]
async fn a_ping_is_answered_even_between_fragments() {
    let server = Server::start_default();
    let mut raw = upgraded(&server).await;
    raw.send(&Frame::unfinished(Frame::TEXT, b"one ").masked()).await;
    raw.send(&Frame::new(Frame::PING, b"there?").masked()).await;
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::PONG, b"there?")));
    raw.send(&Frame::new(Frame::CONTINUATION, b"message").masked()).await;
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::TEXT, b"one message")));
}

#[tokio::test]
async fn a_fault_closes_with_the_code_that_names_it() {
    let rsv = |bit: u8| Frame {
        flags: Frame::FIN | bit,
        ..Frame::new(Frame::TEXT, b"x")
    };
    let faults = [
        ("unmasked", Frame::new(Frame::TEXT, b"x").unmasked(), 1002),
        ("reserved bit 1", rsv(0x40).masked(), 1002),
        ("reserved bit 2", rsv(0x20).masked(), 1002),
        ("reserved bit 3", rsv(0x10).masked(), 1002),
        ("reserved opcode", Frame::new(3, b"x").masked(), 1002),
        ("reserved control opcode", Frame::new(11, b"x").masked(), 1002),
        ("ping of 126 bytes", Frame::new(Frame::PING, &[0; 126]).masked(), 1002),
        ("ping in fragments", Frame::unfinished(Frame::PING, b"x").masked(), 1002),
        (
            "continuation of nothing",
            Frame::new(Frame::CONTINUATION, b"x").masked(),
            1002,
        ),
        ("close of one byte", Frame::new(Frame::CLOSE, &[3]).masked(), 1002),
        ("close with 1005", Frame::close(1005, "").masked(), 1002),
        (
            "text that is not UTF-8",
            Frame::new(Frame::TEXT, &[0xff]).masked(),
            1007,
        ),
        (
            "surrogate in text",
            Frame::new(Frame::TEXT, &[0xed, 0xa0, 0x80]).masked(),
            1007,
        ),
        (
            "close reason that is not UTF-8",
            Frame::new(Frame::CLOSE, &[3, 232, 0xff]).masked(),
            1007,
        ),
    ];
    let server = Server::start_default();
    for (fault, bytes, code) in faults {
        let mut raw = upgraded(&server).await;
        raw.send(&bytes).await;
        assert_eq!(raw.closed().await, code, "{fault}");
    }
}

#[tokio::test]
async fn text_may_be_cut_inside_a_character() {
    let server = Server::start_default();
    let mut raw = upgraded(&server).await;
    let snowman = "☃".as_bytes();
    raw.send(&Frame::unfinished(Frame::TEXT, &snowman[..1]).masked()).await;
    raw.send(&Frame::new(Frame::CONTINUATION, &snowman[1..]).masked()).await;
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::TEXT, snowman)));
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_code_and_the_connection_ended_by_the_server() {
    let server = Server::start_default();
    for code in [1000, 1001, 1011, 3000, 4999] {
        let mut raw = upgraded(&server).await;
        raw.send(&Frame::close(code, "done").masked()).await;
        assert_eq!(raw.closed().await, code);
    }
    let mut raw = upgraded(&server).await;
    raw.send(&Frame::new(Frame::CLOSE, b"").masked()).await;
    assert_eq!(raw.frame().await, Some(Frame::new(Frame::CLOSE, b"")));
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn what_was_due_before_a_close_frame_comes_before_its_answer() {
    let server = Server::start_default();
    let mut raw = upgraded(&server).await;
    let text = Frame::new(Frame::TEXT, b"last words");
    raw.send(&[text.masked(), Frame::close(1000, "").masked()].concat())
        .await;
    assert_eq!(raw.frame().await, Some(text));
    assert_eq!(raw.closed().await, 1000);
}

#[tokio::test]
async fn a_connection_that_vanishes_is_forgotten() {
    let server = Server::start_default();
    let raw = upgraded(&server).await;
    server.wait_for_open(1).await;
    drop(raw);
    server.wait_for_open(0).await;
}
