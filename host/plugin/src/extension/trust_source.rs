//! Trust sources: how a joining node learns the API servers and the CA.

use async_trait::async_trait;
use slipway_config::pin::CaPin;
use slipway_config::token::BootstrapToken;
use slipway_pki::decision::trust::Proposed;
use slipway_pki::jws::SignedBytes;
use thiserror::Error;

use crate::{CallError, CallStats, PluginIdentity};

/// Learns a cluster's API servers and CA. What it returns is a proposal, which only the host's own proof
/// turns into trust.
#[async_trait]
pub trait TrustSource: Send + Sync {
    /// Who answers.
    fn identity(&self) -> &PluginIdentity;

    /// Discovers a cluster.
    ///
    /// # Errors
    /// There is no proposal; see [`DiscoveryError`] for what is worth another try.
    async fn discover(&self, request: DiscoveryRequest) -> Result<Discovery, DiscoveryError>;
}

/// What to discover from.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryRequest {
    /// Where to look, in the plugin's own syntax: `10.0.0.1:6443`, a path, a URL.
    pub locations: Vec<String>,
    /// The token, where the operator gave one. A plugin gets a handle to it, never its secret.
    pub token: Option<BootstrapToken>,
    /// Pins of CA certificates that the operator gave.
    pub ca_pins: Vec<CaPin>,
    /// The document that the host read or fetched for a source of files or HTTPS, without its credentials.
    pub document: Option<Vec<u8>>,
}

/// What a trust source found.
#[derive(Debug)]
pub struct Discovery {
    /// What the plugin proposes to believe.
    pub proposed: Proposed,
    /// The bytes whose signature passed the host's own verification in this call: the host's record of it, which
    /// a plugin cannot write.
    pub signed: Vec<SignedBytes>,
    /// What the call cost.
    pub stats: CallStats,
}

/// Why there is no proposal.
#[derive(Debug, Error)]
pub enum DiscoveryError {
    /// Nothing could be reached; worth another try.
    #[error("nothing could be reached: {0}")]
    Unavailable(String),
    /// It was reached and has no signature for this token, perhaps not yet; worth another try.
    #[error("there is no signature for this token yet: {0}")]
    NotSigned(String),
    /// What was found does not hold.
    #[error("what was found does not hold: {0}")]
    Untrusted(String),
    /// The locations cannot be used.
    #[error("the locations cannot be used: {0}")]
    InvalidRequest(String),
    /// Anything else that the plugin had to say.
    #[error("{0}")]
    Other(String),
    /// The plugin gave no usable answer.
    #[error("the trust source gave no usable answer")]
    Failed(#[source] CallError),
}

impl DiscoveryError {
    /// Whether asking again can help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::NotSigned(_) => true,
            Self::Untrusted(_) | Self::InvalidRequest(_) | Self::Other(_) => false,
            Self::Failed(error) => error.is_deadline(),
        }
    }
}
