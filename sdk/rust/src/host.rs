//! What a plugin asks its host for. In a component these are its imports; in a native test a host that lives in the test's
//! thread answers. Both have the same functions.

#[cfg(not(target_family = "wasm"))]
mod mock;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub use mock::*;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;
