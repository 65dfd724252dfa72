//! Limits at their bound and one past it, over real sockets.

mod addresses;
mod connections;
mod memory;
mod polls;
mod rates;
mod rooms;
mod table;
