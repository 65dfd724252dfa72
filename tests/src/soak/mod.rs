//! What takes longer than a test may: each is run small by a test, and in full by `cargo xtask soak`.

mod audience;
mod leaks;
mod stalled;

pub use leaks::{Leaks, Resident};
pub use stalled::{Heard, Stalled};
