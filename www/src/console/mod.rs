//! The console: any WebSocket endpoint, event by event.

mod components;
mod notice;
mod outbox;
mod page;
mod round_trip;
mod state;
mod timeline;
mod use_socket;

pub(crate) use page::ConsolePage;
