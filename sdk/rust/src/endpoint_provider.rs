//! Endpoint providers: which API servers to try, in which order.
//!
//! A provider supplies addresses to dial only, never the name that a server's certificate must carry.

mod list;

use thiserror::Error;

use crate::Plugin;
use crate::bindings::endpoint_provider::exports::slipway::plugin::endpoint_provider as wit;
use crate::export::{self, Exported};
use crate::settings::SettingErrors;

pub use list::{API_SERVER_PORT, EndpointList, Listed};

/// Lists the API servers to try. Export it with [`export_endpoint_provider!`](crate::export_endpoint_provider).
pub trait EndpointProvider: Plugin {
    /// Lists the endpoints to try.
    ///
    /// # Errors
    /// See [`EndpointError`].
    fn endpoints(&self, request: &EndpointRequest) -> Result<Vec<Endpoint>, EndpointError>;
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointRequest {
    /// Where the operator said to look, in the plugin's own syntax; may be empty.
    pub locations: Vec<String>,
    /// The zone of the asking machine, if known.
    pub zone: Option<String>,
}

/// An address to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name or an IP address, without brackets.
    pub address: String,
    /// The TCP port.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among endpoints of one priority.
    pub weight: u16,
    /// The endpoint's zone, if known.
    pub zone: Option<String>,
}

/// Why there are no endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// Nothing can be said now; worth another try.
    #[error("nothing can be said now: {0}")]
    Unavailable(String),
    /// The locations cannot be used.
    #[error("{0}")]
    InvalidRequest(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<SettingErrors> for EndpointError {
    fn from(errors: SettingErrors) -> Self {
        Self::Other(errors.to_string())
    }
}

/// Exports an [`EndpointProvider`] as the component: `slipway_sdk::export_endpoint_provider!(MyProvider);`, once in the
/// crate's root.
#[macro_export]
macro_rules! export_endpoint_provider {
    ($plugin:ty) => {
        $crate::__export!(
            $plugin,
            $crate::endpoint_provider::EndpointProvider,
            endpoint_provider
        );
    };
}

impl<P: EndpointProvider> wit::Guest for Exported<P> {
    fn endpoints(request: wit::Request) -> Result<Vec<wit::Endpoint>, wit::EndpointError> {
        let request = EndpointRequest {
            locations: request.locations,
            zone: request.zone,
        };
        let endpoints = export::enter::<P>()
            .map_err(EndpointError::from)
            .and_then(|provider| provider.endpoints(&request))
            .map_err(|error| match error {
                EndpointError::Unavailable(reason) => wit::EndpointError::Unavailable(reason),
                EndpointError::InvalidRequest(reason) => wit::EndpointError::InvalidRequest(reason),
                EndpointError::Other(reason) => wit::EndpointError::Other(reason),
            })?;
        Ok(endpoints.into_iter().map(Into::into).collect())
    }
}

impl From<Endpoint> for wit::Endpoint {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            address: endpoint.address,
            port: endpoint.port,
            priority: endpoint.priority,
            weight: endpoint.weight,
            zone: endpoint.zone,
        }
    }
}
