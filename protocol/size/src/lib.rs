//! What `cargo xtask size` weighs: one wasm module that has the client's machine, and one like it that has not.

#![forbid(unsafe_code)]

#[cfg(not(feature = "machine"))]
mod empty;
#[cfg(feature = "machine")]
mod machine;

#[cfg(not(feature = "machine"))]
pub use empty::Module;
#[cfg(feature = "machine")]
pub use machine::Module;

/// That of the npm package.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
