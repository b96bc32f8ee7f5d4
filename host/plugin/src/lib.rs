//! The WebAssembly runtime of Slipway: what runs plugins, and the four traits through which the rest of the
//! program sees them.
//!
//! A plugin is a WebAssembly component that fills one [`ExtensionPoint`]. [`PluginHost`] loads it for an
//! entry of the configuration and hands it out as a [`TrustSource`], a [`CsrApprover`], a [`TokenStore`]
//! or an [`EndpointProvider`]; no type of Wasmtime leaves this crate.
//!
//! A plugin has no authority but what its entry grants it (`capability`), gets a new instance for each call
//! within limits of memory, time and answer size (`call`), and is known by the SHA-256 of its bytes
//! ([`PluginIdentity`]).

mod adapter;
mod authority;
mod bindings;
pub mod bundled;
mod call;
mod capability;
mod engine;
mod error;
pub mod extension;
mod host;
mod identity;
pub mod inspection;
mod limits;
mod load;
mod outside;
pub mod racing;
mod registry;
mod regular;
mod seal;
mod stats;
mod text;

pub use capability::cluster::{ClusterReadError, ClusterReader, ObjectKind};
pub use engine::Allocation;
pub use error::{CallError, LoadError, SettingProblem};
pub use extension::ExtensionPoint;
pub use extension::csr_approver::CsrApprover;
pub use extension::endpoint_provider::EndpointProvider;
pub use extension::token_store::TokenStore;
pub use extension::trust_source::TrustSource;
pub use host::{HostOptions, PluginHost};
pub use identity::PluginIdentity;
pub use load::INTERFACE_VERSION;
pub use outside::{Noted, Outside, Question, Recording};
pub use registry::Configured;
pub use seal::{SealError, SealingKey};
pub use stats::CallStats;
