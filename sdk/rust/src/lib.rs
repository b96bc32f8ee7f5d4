#![doc = include_str!("../README.md")]

pub mod address;
#[doc(hidden)]
pub mod bindings;
pub mod clock;
pub mod cluster;
pub mod csr_approver;
pub mod dns;
pub mod endpoint_provider;
#[doc(hidden)]
pub mod export;
pub mod files;
mod finding;
pub mod grants;
mod host;
pub mod http;
#[cfg(feature = "kubeconfig")]
pub mod kubeconfig;
pub mod log;
mod plugin;
pub mod random;
pub mod settings;
pub mod token;
pub mod token_store;
pub mod trust_source;
pub mod unverified_https;
#[cfg(feature = "yaml")]
pub mod yaml;

/// A host for native unit tests.
#[cfg(not(target_family = "wasm"))]
pub mod testing {
    pub use crate::host::{
        Entry, Installed, MockHost, MockToken, bootstrap_request, renewal_request, serving_request,
    };
}

pub use finding::{Finding, Outcome};
pub use plugin::{NoSettings, Plugin};

/// What most plugins use.
pub mod prelude {
    pub use crate::address::HostPort;
    pub use crate::csr_approver::{CertificateRequest, CsrApprover, Review, ReviewError, Verdict};
    pub use crate::endpoint_provider::{
        Endpoint, EndpointError, EndpointProvider, EndpointRequest,
    };
    pub use crate::settings::{SettingError, SettingErrors};
    pub use crate::token_store::{Precondition, StoreError, Stored, TokenStore};
    pub use crate::trust_source::{ClusterTrust, DiscoveryError, DiscoveryRequest, TrustSource};
    pub use crate::{Finding, NoSettings, Outcome, Plugin, log};
}
