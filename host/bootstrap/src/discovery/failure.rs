//! Why the cluster could not be discovered.

use std::time::Duration;

use slipway_pki::decision::trust::TrustError;
use slipway_pki::kubeconfig::KubeconfigError;
use slipway_plugin::extension::endpoint_provider::EndpointError;
use slipway_plugin::extension::trust_source::DiscoveryError;

use super::file::FileSourceError;
use super::https::FetchError;
use crate::connect::{ConnectError, RequestFailure};

/// Why the cluster could not be discovered.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryFailure {
    /// The discovery file.
    #[error(transparent)]
    File(#[from] FileSourceError),
    /// The discovery document on a web server.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What was read or fetched is no kubeconfig that may be used.
    #[error("{document} cannot be used: {source}")]
    Document {
        /// Path or URL.
        document: String,
        /// Why not.
        #[source]
        source: KubeconfigError,
    },
    /// The document's credentials are in other files.
    #[error(
        "{document} keeps its credentials in other files; a discovery document has to hold them itself, or none"
    )]
    CredentialsElsewhere {
        /// Path or URL.
        document: String,
    },
    /// The endpoint provider has no endpoints.
    #[error("the endpoint provider names no API server: {0}")]
    Endpoints(#[from] EndpointError),
    /// The endpoint provider named something that cannot be dialled.
    #[error("the endpoint provider names {address:?}, which cannot be dialled")]
    BadDialAddress {
        /// What it named.
        address: String,
    },
    /// The trust source proposes nothing.
    #[error("{0}")]
    Source(#[from] DiscoveryError),
    /// The proposal is not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// There is nothing to connect to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// cluster-info could not be fetched again over the verified connection.
    #[error("cluster-info cannot be fetched over a verified connection: {0}")]
    Confirmation(#[source] RequestFailure),
    /// cluster-info was there at first, and is not there on the verified connection.
    #[error(
        "the API server shows no cluster-info on the verified connection, although one was signed"
    )]
    ClusterInfoGone,
    /// Nothing came of it in all the time.
    #[error("the cluster could not be discovered within {} s; the last attempt: {last}", after.as_secs())]
    TimedOut {
        /// How long was tried.
        after: Duration,
        /// Why the last attempt failed.
        last: Box<DiscoveryFailure>,
    },
}

impl DiscoveryFailure {
    /// Whether another attempt may succeed with nothing changed on this machine.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Fetch(failure) => failure.is_transient(),
            Self::Endpoints(failure) => matches!(failure, EndpointError::Unavailable(_)),
            Self::Source(failure) => failure.is_retryable(),
            Self::Confirmation(failure) => {
                failure.is_transient() && !failure.is_certificate_refused()
            }
            _ => false,
        }
    }
}
