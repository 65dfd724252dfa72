//! What the npm package has in Rust: a client's session. Its classes are the JavaScript beside this file: what they pass on
//! stays a JavaScript value, and needs no way through the memory of the module.

mod batch;
mod packer;
mod session;

// The default allocator is a fifth of the package.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
