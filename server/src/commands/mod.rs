//! What the binary can be asked to do, a file for each.

pub(crate) mod check;
pub(crate) mod serve;
pub(crate) mod token;
