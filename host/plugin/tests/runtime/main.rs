//! Plugins through the real runtime: hostile ones built from source, and the bundled ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests are tests"
)]

mod bundled;
mod grants;
mod limits;
mod loading;
mod replay;
mod support;
mod tokens;
mod trust;
