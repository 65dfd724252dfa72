//! A warp program that moderates what is said: it refuses some messages, and replaces words in others.
//!
//! `cargo run -p tidewire-server --example moderate`, then connect a Tidewire client to `/ws` and publish to any room.

use std::net::SocketAddr;

use tidewire_server::{
    Access, Allowed, Connecting, Decision, Denied, Pass, Payload, Publishing, RefusalCode, Tidewire, bind, serve,
};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tidewire = Tidewire::builder().access(Moderator).build();
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], port())))?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, tidewire.routes(), tidewire.settings(), end_of_input()).await;
    tidewire.shutdown().await;
    Ok(())
}

/// Looks at what everybody says.
#[derive(Debug)]
struct Moderator;

impl Access for Moderator {
    fn connect(&self, _: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(Ok(Pass::anonymous()))
    }

    fn publish(&self, publishing: &Publishing<'_>) -> Decision<Result<Allowed, RefusalCode>> {
        // A program that asks another service answers with `Decision::later`.
        Decision::Now(match publishing.payload {
            Payload::Text(text) => moderate(text),
            // Here people talk; bytes are none of it.
            Payload::Binary(_) => Err(RefusalCode::REJECTED),
        })
    }
}

fn moderate(text: &str) -> Result<Allowed, RefusalCode> {
    if text.contains("https://spam.example") {
        return Err(RefusalCode::REJECTED);
    }
    let milder = RUDE_WORDS
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, "***"));
    Ok(match milder == text {
        true => Allowed::AsItIs,
        false => Allowed::Instead(milder.into()),
    })
}

const RUDE_WORDS: [&str; 2] = ["blast", "drat"];

/// From the first argument; 0 picks a free one.
fn port() -> u16 {
    std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(3030)
}

/// Ctrl-D, or the end of a program that started this one.
async fn end_of_input() {
    let mut ignored = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut ignored).await;
}
