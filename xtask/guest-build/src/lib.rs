//! Builds guest crates for `wasm32-unknown-unknown` and encodes them as WebAssembly components.
//!
//! The build script of the crate that embeds the bundled components, the tests that need hostile
//! guests and `cargo xtask` all build guests through here, so that there is one recipe.

mod build;
mod component;
mod toolchain;

pub use build::{Component, GuestBuild};
pub use toolchain::{TARGET, Toolchain, cached_sysroot, compiler_version};
