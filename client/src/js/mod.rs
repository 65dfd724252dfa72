//! What the npm package has in Rust: the clients' sessions. Its classes are the JavaScript beside this file, and so is all that
//! a browser is asked for.
//!
//! What crosses is numbers and bytes, and never a value of JavaScript: tables of those, and closures that JavaScript
//! calls, are larger than what they save. So each side knows a client by its number.

mod batch;
pub(crate) mod host;
mod packer;
mod session;

// The default allocator is a fifth of the package.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
