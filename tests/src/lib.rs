//! What the end-to-end tests share: the real binary, in folders and processes of each test's own, on loopback.

mod cluster;
mod plugin;
mod program;
mod sandbox;

pub use cluster::{Cluster, serve};
pub use plugin::Plugin;
pub use program::{Finished, kubectl, openssl, slipway};
pub use sandbox::Sandbox;
