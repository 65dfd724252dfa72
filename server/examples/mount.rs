//! Tidewire's filters beside the routes of another warp program.
//!
//! `cargo run -p tidewire-server --example mount`, then connect to `/live` with any WebSocket client.

use std::{io, net::SocketAddr};

use tidewire_server::{Settings, Tidewire, bind, serve};
use warp::Filter;

#[tokio::main]
async fn main() -> io::Result<()> {
    let tidewire = Tidewire::new(Settings::default());

    let hello = warp::path!("hello" / String).map(|name| format!("Hello, {name}!"));
    let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());

    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 3030)))?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    serve(listener, hello.or(live), tidewire.settings(), stop).await;
    tidewire.shutdown().await;
    Ok(())
}
