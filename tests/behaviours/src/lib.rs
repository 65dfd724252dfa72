//! What must hold over every transport and through any network, written once.
//!
//! The same code runs natively and in a browser: it waits for futures alone. Who runs it brings the [`Stage`].

#![forbid(unsafe_code)]

mod actor;
mod drain;
mod gap;
mod join;
mod limits;
mod list;
mod networks;
mod order;
mod presence;
pub mod proxies;
mod publish_across_a_cut;
mod resume;
mod rules;
mod stage;
mod takeover;

pub use self::{
    drain::drain,
    gap::gap,
    join::join,
    limits::limits,
    networks::{each_way_with_moves, first_message},
    order::order,
    presence::presence,
    publish_across_a_cut::publish_across_a_cut,
    resume::resume,
    rules::{Polls, Rules, Spoiled, WebSockets},
    stage::{Setting, Stage, Traffic},
    takeover::takeover,
};
