//! `/chat`: the three strings, to whom they are due.

use tidewire_tests::Server;
use tokio_tungstenite::tungstenite::Message;

const WELCOME: &str = "Welcome to the WebSocket server!";

#[tokio::test]
async fn the_sender_is_answered_and_the_others_are_told() {
    let server = Server::start_default();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect("/chat").await;
        assert_eq!(client.text().await, WELCOME);
        clients.push(client);
    }
    for sender in 0..3 {
        let said = format!("hello from {sender}");
        clients[sender].send(said.clone()).await;
        for (number, client) in clients.iter_mut().enumerate() {
            let prefix = if number == sender {
                "Server received"
            } else {
                "Broadcast"
            };
            assert_eq!(client.text().await, format!("{prefix}: {said}"));
        }
    }
}

#[tokio::test]
async fn what_one_says_arrives_in_order_and_once() {
    let server = Server::start_default();
    let (mut sender, mut receiver) = (server.connect("/chat").await, server.connect("/chat").await);
    assert_eq!(
        (sender.text().await, receiver.text().await),
        (WELCOME.to_owned(), WELCOME.to_owned())
    );
    for number in 0..1000 {
        sender.send(number.to_string()).await;
    }
    for number in 0..1000 {
        assert_eq!(sender.text().await, format!("Server received: {number}"));
        assert_eq!(receiver.text().await, format!("Broadcast: {number}"));
    }
}

#[tokio::test]
async fn bytes_are_quoted_as_text() {
    let server = Server::start_default();
    let (mut sender, mut receiver) = (server.connect("/chat").await, server.connect("/chat").await);
    assert_eq!(
        (sender.text().await, receiver.text().await),
        (WELCOME.to_owned(), WELCOME.to_owned())
    );
    for (bytes, quoted) in [
        (b"plain".to_vec(), "plain"),
        (vec![b'a', 0xff, b'b'], "a\u{fffd}b"),
        (vec![], ""),
    ] {
        sender.send(Message::binary(bytes)).await;
        assert_eq!(sender.text().await, format!("Server received: {quoted}"));
        assert_eq!(receiver.text().await, format!("Broadcast: {quoted}"));
    }
}

#[tokio::test]
async fn the_largest_message_is_told_whole() {
    let server = Server::start_default();
    let (mut sender, mut receiver) = (server.connect("/chat").await, server.connect("/chat").await);
    assert_eq!(
        (sender.text().await, receiver.text().await),
        (WELCOME.to_owned(), WELCOME.to_owned())
    );
    let said = "x".repeat(1 << 20);
    sender.send(said.clone()).await;
    assert!(sender.text().await == format!("Server received: {said}"));
    assert!(receiver.text().await == format!("Broadcast: {said}"));
}

#[tokio::test]
async fn who_left_is_told_nothing_and_holds_nobody_up() {
    let server = Server::start_default();
    let mut stays = server.connect("/chat").await;
    let mut leaves = server.connect("/chat").await;
    assert_eq!(
        (stays.text().await, leaves.text().await),
        (WELCOME.to_owned(), WELCOME.to_owned())
    );
    leaves.close().await;
    server.wait_for_open(1).await;
    stays.send("anyone?").await;
    assert_eq!(stays.text().await, "Server received: anyone?");
}
