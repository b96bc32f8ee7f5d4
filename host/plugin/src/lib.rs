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

mod error;
pub mod extension;
mod identity;
mod stats;

pub use error::{CallError, LoadError, SettingProblem};
pub use extension::ExtensionPoint;
pub use extension::csr_approver::CsrApprover;
pub use extension::endpoint_provider::EndpointProvider;
pub use extension::token_store::TokenStore;
pub use extension::trust_source::TrustSource;
pub use identity::PluginIdentity;
pub use stats::CallStats;
