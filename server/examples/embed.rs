//! A warp program with rooms inside: it counts votes and tells everyone the score.
//!
//! `cargo run -p tidewire-server --example embed`, then connect a Tidewire client to `/live/ws`, subscribe to `score`, and
//! publish `yes` or `no` to `votes`; or `curl -d yes -H 'content-type: text/plain' …/live/api/rooms/votes/messages`.

use std::net::SocketAddr;

use futures_util::StreamExt;
use tidewire_server::{
    Access, Allowed, ApiKeys, Connecting, Decision, Denied, OwnedPayload, Pass, Payload, Publishing, RefusalCode,
    RoomEvent, RoomHandle, Start, Subscription, Tidewire, bind, serve,
};
use tokio::io::AsyncReadExt;
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tidewire = Tidewire::builder().access(Rules).api_keys(ApiKeys::unneeded()).build();
    let (votes, score) = (tidewire.room("votes")?, tidewire.room("score")?);
    let ballots = votes
        .subscribe(Start::Now)
        .await
        .map_err(|code| format!("the room cannot be opened: {code:?}"))?;
    tokio::spawn(count(ballots, score.clone()));

    // Tidewire's filters are mounted like any others.
    let ws = warp::path!("live" / "ws").and(tidewire.ws());
    let api = warp::path("live").and(warp::path("api")).and(tidewire.api());
    let watching = warp::path!("watching").map(move || {
        let here = score.presence().len();
        format!("{here} here, on {} connections\n", score.subscribers())
    });

    let listener = bind(SocketAddr::from(([127, 0, 0, 1], port())))?;
    println!("listening on http://{}", listener.local_addr()?);
    let settings = tidewire.settings().clone();
    serve(listener, ws.or(api).or(watching), &settings, end_of_input()).await;
    tidewire.shutdown().await;
    Ok(())
}

/// Who may do what.
#[derive(Debug)]
struct Rules;

impl Access for Rules {
    /// Everybody may come.
    fn connect(&self, _: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(Ok(Pass::anonymous()))
    }

    /// Sees each publish of a client, and each that comes over HTTP, before it is accepted.
    fn publish(&self, publishing: &Publishing<'_>) -> Decision<Result<Allowed, RefusalCode>> {
        Decision::Now(match (publishing.room.as_str(), publishing.payload) {
            ("votes", Payload::Text("yes" | "no")) => Ok(Allowed::AsItIs),
            ("votes", _) => Err(RefusalCode::REJECTED),
            _ => Err(RefusalCode::FORBIDDEN),
        })
    }
}

/// Counts ballots, and publishes the score after each.
async fn count(mut ballots: Subscription, score: RoomHandle) {
    let (mut yes, mut no) = (0_u32, 0_u32);
    while let Some(event) = ballots.next().await {
        if let RoomEvent::Message(ballot) = event {
            match ballot.payload {
                OwnedPayload::Text(text) if &*text == "yes" => yes += 1,
                _ => no += 1,
            }
            let line = format!("{yes} yes, {no} no");
            if let Err(error) = score.publish(line).await {
                eprintln!("the score was not published: {error}");
            }
        }
    }
}

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
