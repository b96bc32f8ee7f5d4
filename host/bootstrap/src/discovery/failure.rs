//! Why the cluster could not be discovered.

use std::fmt;
use std::time::Duration;

use slipway_pki::decision::trust::TrustError;
use slipway_pki::kubeconfig::KubeconfigError;
use slipway_plugin::extension::endpoint_provider::EndpointError;
use slipway_plugin::extension::trust_source::DiscoveryError;

use super::file::FileSourceError;
use super::https::FetchError;
use super::quorum::NoQuorum;
use crate::connect::{self, ConnectError, RequestFailure};

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
    /// No endpoint provider has endpoints.
    #[error(transparent)]
    Endpoints(#[from] NoEndpoints),
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
    /// The document has no CA, and cluster-info, which would fill it in, cannot be read.
    #[error(
        "{document} has no CA, and cluster-info, which would fill it in, cannot be read over a connection that this machine's trust roots vouch for: {source}"
    )]
    FillIn {
        /// Path or URL.
        document: String,
        /// Why not.
        #[source]
        source: RequestFailure,
    },
    /// The document has no CA, and there is no cluster-info to fill it in.
    #[error(
        "{document} has no CA, and the cluster has no cluster-info, or none yet, that would fill it in"
    )]
    NoClusterInfo {
        /// Path or URL.
        document: String,
    },
    /// The document has no CA, and cluster-info cannot be used to fill it in.
    #[error(
        "{document} has no CA, and cluster-info, which would fill it in, cannot be used: {source}"
    )]
    BadClusterInfo {
        /// Path or URL.
        document: String,
        /// Why not.
        #[source]
        source: KubeconfigError,
    },
    /// cluster-info could not be fetched again over the verified connection.
    #[error("cluster-info cannot be fetched over a verified connection: {0}")]
    Confirmation(#[source] RequestFailure),
    /// cluster-info was there at first, and is not there on the verified connection.
    #[error(
        "the API server shows no cluster-info on the verified connection, although one was signed"
    )]
    ClusterInfoGone,
    /// There is no trust source for what the operator named.
    #[error("no trust source is configured for what was given to discover the cluster from")]
    NoTrustSource,
    /// Several trust sources were asked, and none led to trust.
    #[error(transparent)]
    Sources(#[from] FailedSources),
    /// Too few trust sources agree.
    #[error(transparent)]
    Quorum(#[from] NoQuorum),
    /// An attempt was still going on when the time was over.
    #[error("no answer came from {}", from.join(", "))]
    NoAnswer {
        /// Where it was asked for.
        from: Vec<String>,
    },
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
            Self::Endpoints(failure) => failure.is_retryable(),
            Self::Source(failure) => failure.is_retryable(),
            Self::Confirmation(failure)
            | Self::FillIn {
                source: failure, ..
            } => failure.is_transient() && !failure.is_certificate_refused(),
            Self::NoClusterInfo { .. } => true,
            Self::Sources(failed) => failed.are_retryable(),
            Self::Quorum(failure) => failure.is_retryable(),
            _ => false,
        }
    }

    /// Whether something was found that does not hold, so that somebody may be posing as the cluster: no other source is
    /// asked then. What is merely missing or out of reach is no such thing.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::File(failure) => !matches!(failure, FileSourceError::Io { .. }),
            Self::Fetch(failure) => failure.is_refusal(),
            Self::Document { .. }
            | Self::CredentialsElsewhere { .. }
            | Self::BadClusterInfo { .. }
            | Self::ClusterInfoGone => true,
            Self::Source(failure) => matches!(failure, DiscoveryError::Untrusted(_)),
            Self::Trust(failure) => !matches!(
                failure,
                TrustError::NoCa | TrustError::NoProof { .. } | TrustError::NoEndpoint
            ),
            Self::Confirmation(failure)
            | Self::FillIn {
                source: failure, ..
            } => failure.is_certificate_refused(),
            Self::Sources(failed) => failed.refusal().is_some(),
            Self::Quorum(failure) => failure.is_refusal(),
            Self::TimedOut { last, .. } => last.is_refusal(),
            Self::Endpoints(_)
            | Self::BadDialAddress { .. }
            | Self::Connect(_)
            | Self::NoClusterInfo { .. }
            | Self::NoAnswer { .. }
            | Self::NoTrustSource => false,
        }
    }
}

/// A trust source that did not lead to trust.
#[derive(Debug, thiserror::Error)]
#[error("{source_name}: {failure}")]
pub struct FailedSource {
    /// The source's name.
    pub source_name: String,
    /// Why it did not.
    pub failure: DiscoveryFailure,
}

/// Trust sources that did not lead to trust, in the order in which they were asked.
#[derive(Debug)]
pub struct FailedSources(Vec<FailedSource>);

impl FailedSources {
    /// What is to be told of them: of a single one, its own failure.
    pub(super) fn tell(mut failed: Vec<FailedSource>) -> DiscoveryFailure {
        match (failed.pop(), failed.is_empty()) {
            (None, _) => DiscoveryFailure::NoTrustSource,
            (Some(only), true) => only.failure,
            (Some(last), false) => {
                failed.push(last);
                DiscoveryFailure::Sources(Self(failed))
            }
        }
    }

    /// The sources in the order in which they were asked.
    pub fn all(&self) -> &[FailedSource] {
        &self.0
    }

    /// The one that refused what it found, so that no more were asked.
    pub fn refusal(&self) -> Option<&FailedSource> {
        self.0.iter().find(|failed| failed.failure.is_refusal())
    }

    fn are_retryable(&self) -> bool {
        self.refusal().is_none() && self.0.iter().any(|failed| failed.failure.is_retryable())
    }
}

impl std::error::Error for FailedSources {}

impl fmt::Display for FailedSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.refusal() {
            Some(_) => "a trust source found what does not hold, so that no other was asked:",
            None => "none of the trust sources led to the cluster:",
        })?;
        for failed in &self.0 {
            write!(formatter, "\n  {failed}")?;
        }
        Ok(())
    }
}

/// No endpoint provider named an API server: each one's name, and why not.
#[derive(Debug)]
pub struct NoEndpoints {
    /// The providers in the order in which they were asked.
    pub failures: Vec<(String, EndpointError)>,
}

impl NoEndpoints {
    /// Whether another attempt may succeed with nothing changed on this machine.
    pub fn is_retryable(&self) -> bool {
        self.failures
            .iter()
            .any(|(_, failure)| failure.is_retryable())
    }
}

impl std::error::Error for NoEndpoints {}

impl fmt::Display for NoEndpoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.as_slice() {
            [] => {
                formatter.write_str("there is no endpoint provider that could name an API server")
            }
            [(_, failure)] => {
                write!(
                    formatter,
                    "the endpoint provider names no API server: {}",
                    connect::chain(failure)
                )
            }
            failures => {
                formatter.write_str("none of the endpoint providers names an API server:")?;
                for (name, failure) in failures {
                    write!(formatter, "\n  {name}: {}", connect::chain(failure))?;
                }
                Ok(())
            }
        }
    }
}
