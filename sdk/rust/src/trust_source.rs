//! Trust sources: how a joining node learns the API servers and the CA.
//!
//! What a trust source returns is a proposal. The host believes it only with a proof of its own: a CA pin, a CA that the
//! operator gave, or bytes whose signature the host verified in this very call.

use thiserror::Error;

use crate::bindings::trust_source::exports::slipway::plugin::trust_source as wit;
use crate::export::{self, Exported};
use crate::settings::SettingErrors;
use crate::token::BootstrapToken;
use crate::{Finding, Plugin, host};

/// Discovers a cluster. Export it with [`export_trust_source!`](crate::export_trust_source).
pub trait TrustSource: Plugin {
    /// Discovers a cluster.
    ///
    /// # Errors
    /// There is no proposal.
    fn discover(&self, request: &DiscoveryRequest<'_>) -> Result<ClusterTrust, DiscoveryError>;
}

/// What to discover from.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryRequest<'a> {
    /// Where to look, in the plugin's own syntax: `10.0.0.1:6443`, a path, a URL.
    pub locations: Vec<String>,
    /// The token, where the operator gave one.
    pub token: Option<BootstrapToken<'a>>,
    /// Pins of CA certificates that the operator gave: `sha256:<64 hex digits>`.
    pub ca_pins: Vec<String>,
    /// The document that the host read or fetched for a source of files or HTTPS, as it was found, but for
    /// credentials, which stay in the host.
    pub document: Option<Vec<u8>>,
}

impl DiscoveryRequest<'_> {
    /// The location, for a source that takes exactly one.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn only_location(&self) -> Result<&str, DiscoveryError> {
        match self.locations.as_slice() {
            [location] => Ok(location),
            locations => Err(DiscoveryError::InvalidRequest(format!(
                "expected one location, found {}",
                locations.len()
            ))),
        }
    }
}

/// What the plugin proposes to believe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterTrust {
    /// URLs of the API servers, the preferred one first: `https://10.0.0.1:6443`.
    pub endpoints: Vec<String>,
    /// CA certificates in PEM; empty where the CA comes from elsewhere.
    pub ca_bundle: String,
    /// What was checked, for display.
    pub evidence: Vec<Finding>,
}

/// Why there is no proposal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// Nothing could be reached; worth another try.
    #[error("nothing can be reached: {0}")]
    Unavailable(String),
    /// It was reached, and has no signature for this token (yet): worth another try.
    #[error("there is no signature for this token: {0}")]
    NotSigned(String),
    /// What was found does not hold: a wrong signature, a malformed document.
    #[error("what was found cannot be trusted: {0}")]
    Untrusted(String),
    /// The locations cannot be used.
    #[error("{0}")]
    InvalidRequest(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<SettingErrors> for DiscoveryError {
    fn from(errors: SettingErrors) -> Self {
        Self::Other(errors.to_string())
    }
}

/// Exports a [`TrustSource`] as the component: `slipway_sdk::export_trust_source!(MySource);`, once in the crate's root.
#[macro_export]
macro_rules! export_trust_source {
    ($plugin:ty) => {
        $crate::__export!($plugin, $crate::trust_source::TrustSource, trust_source);
    };
}

impl<P: TrustSource> wit::Guest for Exported<P> {
    fn discover(request: wit::Request<'_>) -> Result<wit::ClusterTrust, wit::DiscoveryError> {
        let request = DiscoveryRequest {
            locations: request.locations,
            token: request
                .token
                .map(|token| BootstrapToken::new(host::Token::from(token))),
            ca_pins: request.ca_pins,
            document: request.document,
        };
        let trust = export::enter::<P>()
            .map_err(DiscoveryError::from)
            .and_then(|source| source.discover(&request))
            .map_err(|error| match error {
                DiscoveryError::Unavailable(reason) => wit::DiscoveryError::Unavailable(reason),
                DiscoveryError::NotSigned(reason) => wit::DiscoveryError::NotSigned(reason),
                DiscoveryError::Untrusted(reason) => wit::DiscoveryError::Untrusted(reason),
                DiscoveryError::InvalidRequest(reason) => {
                    wit::DiscoveryError::InvalidRequest(reason)
                }
                DiscoveryError::Other(reason) => wit::DiscoveryError::Other(reason),
            })?;
        Ok(wit::ClusterTrust {
            endpoints: trust.endpoints,
            ca_bundle: trust.ca_bundle,
            evidence: trust.evidence.into_iter().map(Into::into).collect(),
        })
    }
}
