//! What holds in a page and in a worker alike. Where a test guards against a defect that another library had, it says
//! which.

mod closing;
mod connecting;
mod dropping;
mod messages;
mod nesting;
mod polling;
mod rooms;
mod sending;
mod stream;
pub(crate) mod tokens;
