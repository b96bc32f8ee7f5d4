//! What the end-to-end tests share: the real binary, in folders and processes of each test's own, on loopback, against
//! the embedded API and against real Kubernetes.

mod asked;
mod clock;
mod cluster;
mod identity;
mod invitation;
pub mod kubernetes;
mod launched;
mod namespace;
mod network;
mod plugin;
mod processor;
mod program;
mod sandbox;
mod volume;
mod web_server;

pub use asked::{Asked, Flaw};
pub use clock::WrongClock;
pub use cluster::{Cluster, Server, init, kill, serve};
pub use identity::{
    assert_client_certificate, assert_identity, assert_server_certificate, current_certificate,
};
pub use invitation::{Invitation, let_in, request_of};
pub use launched::{Ability, Approval, Backend, Launched, objects};
pub use network::Network;
pub use plugin::Plugin;
pub use processor::processor_time;
pub use program::{
    Finished, bounded, kubectl, openssl, slipway, through, unmasked, unprivileged,
    without_changing_parts,
};
pub use sandbox::Sandbox;
pub use volume::Volume;
pub use web_server::WebServer;
