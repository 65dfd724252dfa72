//! A chat in a terminal: `cargo run -p tidewire-client --example chat -- ws://127.0.0.1:8080/ws lobby`.
//!
//! What is typed is published, a line a message; what others say is printed, and what was said before. Cut the network:
//! lines wait, and arrive.

#[cfg(not(target_arch = "wasm32"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "ws://127.0.0.1:8080/ws".into());
    let room = arguments.next().unwrap_or_else(|| "lobby".into());
    native::chat(&url, &room).await
}

/// A page has no terminal.
#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::error::Error;

    use futures_util::StreamExt;
    use tidewire_client::{
        Client, ClientOptions, ClientState, MemberId, OwnedPayload, PublishError, Room, RoomEvent, SubscribeOptions,
    };
    use tokio::io::{AsyncBufReadExt, BufReader, stdin};

    pub(super) async fn chat(url: &str, room: &str) -> Result<(), Box<dyn Error>> {
        let client = Client::connect(url, ClientOptions::default())?;
        let room = client.room(room)?;
        let mut events = room.subscribe(SubscribeOptions::default().last(20).presence(true))?;
        let mut states = client.states();
        let mut lines = BufReader::new(stdin()).lines();
        loop {
            tokio::select! {
                Some(event) = events.next() => show(&event),
                Some(state) = states.next() => show_state(&client, state),
                line = lines.next_line() => match line? {
                    Some(line) => say(&room, line),
                    None => break,
                },
                else => break,
            }
        }
        client.close().await;
        Ok(())
    }

    /// Its outcome is told when it comes; meanwhile the next line can be typed.
    fn say(room: &Room, line: String) {
        let outcome = room.publish(line);
        tokio::spawn(async move {
            if let Err(PublishError { cause, payload }) = outcome.await {
                println!("! not sent, {cause}: {}", text(&payload));
            }
        });
    }

    fn show(event: &RoomEvent) {
        match event {
            RoomEvent::Message { sender, payload, .. } => {
                println!(
                    "{}: {}",
                    sender.as_ref().map_or("server", MemberId::as_str),
                    text(payload)
                );
            }
            RoomEvent::Gap(gap) => println!("! missed what came after message {}", gap.from.0.saturating_sub(1)),
            RoomEvent::Joined(member) => println!("+ {}", member.as_str()),
            RoomEvent::Left(member) => println!("- {}", member.as_str()),
            RoomEvent::Present(members) => println!("* {} here", members.len()),
            RoomEvent::Ended(code) => println!("! refused with code {}", code.0),
            _ => {}
        }
    }

    fn show_state(client: &Client, state: ClientState) {
        match state {
            ClientState::Open => println!("* you are {}", client.member().as_ref().map_or("", MemberId::as_str)),
            ClientState::Waiting(wait) => println!("* no connection; trying again in {} ms", wait.as_millis()),
            ClientState::Closed(code) => println!("* closed: {code}"),
            _ => {}
        }
    }

    fn text(payload: &OwnedPayload) -> &str {
        match payload {
            OwnedPayload::Text(text) => text,
            OwnedPayload::Binary(_) => "(bytes)",
        }
    }
}
