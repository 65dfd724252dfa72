//! The rooms: who is there, what is said, and what becomes of it while the link is cut or a transport is blocked.

mod audit;
mod components;
mod names;
mod notice;
mod page;
mod people;
mod session;
mod state;
mod timeline;
mod transports;
mod use_session;

pub(crate) use page::RoomsPage;
