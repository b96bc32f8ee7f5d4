//! The four extension points: one trait and its values each.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod csr_approver;
pub mod endpoint_provider;
pub mod token_store;
pub mod trust_source;

/// A decision that a plugin can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtensionPoint {
    /// How a joining node learns the API servers and the CA.
    TrustSource,
    /// Whether a node gets the identity that it asks for.
    CsrApprover,
    /// Where bootstrap tokens live.
    TokenStore,
    /// Which API servers to try, in which order.
    EndpointProvider,
}

impl ExtensionPoint {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::TrustSource,
        Self::CsrApprover,
        Self::TokenStore,
        Self::EndpointProvider,
    ];

    /// The name in kebab-case, which is also the name of the interface that a plugin exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrustSource => "trust-source",
            Self::CsrApprover => "csr-approver",
            Self::TokenStore => "token-store",
            Self::EndpointProvider => "endpoint-provider",
        }
    }

    /// The list in a `PluginConfiguration` that holds the entries of this kind.
    pub(crate) fn configuration_list(self) -> &'static str {
        match self {
            Self::TrustSource => "trustSources",
            Self::CsrApprover => "csrApprovers",
            Self::TokenStore => "tokenStores",
            Self::EndpointProvider => "endpointProviders",
        }
    }
}

impl fmt::Display for ExtensionPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
