//! Endpoint providers: which API servers to try, in which order.

use async_trait::async_trait;
use thiserror::Error;

use crate::{CallError, CallStats, PluginIdentity};

/// Lists the API servers to try. It supplies addresses to dial, never the name that a server's certificate
/// must carry.
#[async_trait]
pub trait EndpointProvider: Send + Sync {
    /// Who answers.
    fn identity(&self) -> &PluginIdentity;

    /// Lists the endpoints to try: by priority, within a priority drawn by weight, and without weights as the plugin listed
    /// them.
    ///
    /// # Errors
    /// There are none.
    async fn endpoints(&self, request: EndpointRequest) -> Result<Endpoints, EndpointError>;
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointRequest {
    /// Where the operator said to look, in the plugin's own syntax; may be empty.
    pub locations: Vec<String>,
    /// The zone of the asking machine, if known.
    pub zone: Option<String>,
}

/// The endpoints that a provider listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// At least one, by priority.
    pub addresses: Vec<DialAddress>,
    /// What the call cost.
    pub stats: CallStats,
}

/// An address to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialAddress {
    /// A host name or an IP address, without brackets.
    pub address: String,
    /// The TCP port, not zero.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among endpoints of one priority.
    pub weight: u16,
    /// The endpoint's zone, if known.
    pub zone: Option<String>,
}

/// Why there are no endpoints.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// Nothing can be said now; worth another try.
    #[error("no endpoints can be had now: {0}")]
    Unavailable(String),
    /// The locations cannot be used.
    #[error("the locations cannot be used: {0}")]
    InvalidRequest(String),
    /// Anything else that the plugin had to say.
    #[error("{0}")]
    Other(String),
    /// The plugin gave no usable answer.
    #[error("the endpoint provider gave no usable answer")]
    Failed(#[source] CallError),
}

impl EndpointError {
    /// Whether asking again can help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::InvalidRequest(_) | Self::Other(_) => false,
            Self::Failed(error) => error.is_deadline(),
        }
    }
}
