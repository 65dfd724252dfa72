//! Tidewire's server: [warp] filters that any warp program can mount, and what the `tidewire` binary is made of.
//!
//! ```no_run
//! use std::future::pending;
//! use tidewire_server::{Settings, Tidewire, bind, serve};
//! use warp::Filter;
//!
//! # async fn run() -> std::io::Result<()> {
//! let tidewire = Tidewire::new(Settings::default());
//! let hello = warp::path!("hello" / String).map(|name| format!("Hello, {name}!"));
//! let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());
//!
//! let listener = bind("127.0.0.1:0".parse().expect("an address"))?;
//! serve(listener, hello.or(live), tidewire.settings(), pending()).await;
//! # Ok(()) }
//! ```
//!
//! `warp::serve` runs the same filters; [`serve`] adds a deadline for request heads and a longer backlog, and [`serve_tls`] does it
//! over TLS.

#![forbid(unsafe_code)]

mod access;
mod api;
mod attaching;
mod batches;
mod beside;
mod body;
mod budget;
mod builder;
mod clock;
mod connection;
mod connections;
mod drain;
mod driver;
mod ending;
pub mod engine;
mod handle;
mod history;
mod hub;
mod io;
mod joined;
mod limits;
mod mailbox;
mod member;
mod metrics;
mod openings;
mod origins;
mod outbox;
mod page;
mod peer;
mod plain;
mod poll;
mod publishes;
mod random;
mod room;
mod rooms;
mod routes;
mod send_timeout;
mod serve;
mod sessions;
mod settings;
mod subscription;
mod tidewire;
mod timer;
mod tls;
mod trace;
mod upgrade;
mod visits;
mod wakers;
mod websocket;
mod ws;

pub use access::{
    Access, Allowed, Connecting, Decision, Denied, Grants, InvalidKey, InvalidPattern, Jwt, JwtKeys, Open, Pass,
    Pattern, Publishing, Right, Signalling, Subscribing, TooManyRevoked,
};
pub use api::{ApiKeys, InvalidApiKey};
pub use builder::Builder;
pub use connections::Connections;
pub use drain::Phase;
pub use handle::{NotPublished, PublishError, RoomHandle};
pub use limits::{Bound, InvalidRate, Limit, Limits, Rate, Scope, TrustedProxies, limits};
pub use origins::{AllowedOrigin, InvalidOrigin, Origins};
pub use page::{missing_page, page};
pub use serve::{bind, serve, serve_tls};
pub use settings::Settings;
pub use subscription::{RoomEvent, Subscription};
pub use tidewire::Tidewire;
pub use tidewire_protocol::{
    Claim, Claimed, Epoch, Granted, MemberId, NameError, Offset, OwnedPayload, Position, Register, Retention, RoomName,
    Sequence, SessionId, Term,
    frame::{GapCause, Payload, PresenceWanted, RefusalCode, Start},
};
pub use tls::{Reloaded, Tls, TlsError};
