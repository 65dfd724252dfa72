//! What frames, logs and machines do, one file a topic. One program, because linking one is quicker than linking ten: each
//! of hundreds of mutants (`cargo xtask mutants`) is linked anew.

#[cfg(not(target_arch = "wasm32"))] // the counter replaces the allocator
mod allocations;
mod choosing;
mod client;
mod climbing;
mod documented;
mod ending;
mod frames;
mod kinds;
mod log;
mod log_model;
mod model;
mod operations;
mod ops;
mod page;
mod pair;
mod polling;
mod polls;
mod properties;
mod register;
mod resume;
mod saved;
#[cfg(not(target_arch = "wasm32"))] // there are no files
mod seeds;
mod server;
mod time;
mod tokens;
mod wire;
mod words;
