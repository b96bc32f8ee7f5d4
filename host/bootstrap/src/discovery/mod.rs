//! Learning whom to trust: where the API servers are, which CA signs them, and why that may be believed.
//!
//! A plugin proposes, the host proves. The host reads or fetches the document of a file or HTTPS source itself and keeps
//! what credentials are in it; it turns a proposal into [`VerifiedTrust`] only with a proof of its own; and it fetches
//! cluster-info a second time over a connection that is verified with the CA it is about to believe.

mod failure;
mod file;
mod https;
mod routes;
mod source;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use slipway_config::endpoint::HostPort;
use slipway_config::finding::Finding;
use slipway_config::pin::CaPin;
use slipway_config::token::BootstrapToken;
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use slipway_pki::ca::CaBundle;
use slipway_pki::decision::trust::{Accepted, OutOfBand, Proofs, VerifiedTrust, establish};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_plugin::extension::endpoint_provider::{EndpointError, EndpointRequest};
use slipway_plugin::extension::trust_source::DiscoveryRequest;
use slipway_plugin::{EndpointProvider, TrustSource};
use tokio::time::Instant;
use url::Url;

use self::routes::{Names, dial_addresses};
use self::source::Opened;
use crate::connect::{self, Credentials, RequestFailure, Route};
use crate::progress::{Event, Progress, Waiting};

pub use failure::DiscoveryFailure;
pub use file::{FileSourceError, read_file};
pub use https::{FetchError, FetchLimits, Fetched, fetch, trust_roots};

/// Where to learn about the cluster.
#[derive(Debug, Clone)]
pub enum Source {
    /// From cluster-info, by a token.
    Token {
        /// Where the operator said the API servers are.
        locations: Vec<String>,
        /// The token.
        token: BootstrapToken,
    },
    /// From a kubeconfig on this machine.
    File(PathBuf),
    /// From a kubeconfig on a web server.
    Https(Url),
}

/// What to discover, and what the operator gave to believe it by.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where from.
    pub source: Source,
    /// Pins of the cluster's CA.
    pub pins: Vec<CaPin>,
    /// The cluster's CA, given out of band.
    pub ca: Option<CaBundle>,
    /// Trust roots for an HTTPS source beyond this machine's.
    pub https_roots: Option<CaBundle>,
    /// Weaker bases that the operator accepted.
    pub accepted: BTreeSet<Accepted>,
    /// How long to try, and how often.
    pub timing: Timing,
}

/// How long to try, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long in all.
    pub timeout: Duration,
    /// The pause between two attempts.
    pub retry: Duration,
    /// What a web server may take of our time and memory.
    pub fetch: FetchLimits,
}

impl Default for Timing {
    /// kubeadm's: five minutes, every five seconds.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            retry: Duration::from_secs(5),
            fetch: FetchLimits::default(),
        }
    }
}

/// The plugins that take part.
#[derive(Clone, Copy)]
pub struct Plugins<'a> {
    /// Which API servers to try.
    pub endpoints: &'a dyn EndpointProvider,
    /// What to believe about them.
    pub trust: &'a dyn TrustSource,
}

/// A cluster that may be talked to.
#[derive(Debug)]
pub struct Discovered {
    /// The CA and the API servers, with the proof.
    pub trust: VerifiedTrust,
    /// Where to dial, and under which names the API servers prove themselves.
    pub routes: Vec<Route>,
    /// Credentials that were in the document; no plugin has seen them.
    pub credentials: Option<Credentials>,
    /// What the trust source says it checked, for display.
    pub evidence: Vec<Finding>,
}

/// Discovers the cluster; tries again what may succeed later, and shows why it has not yet.
pub async fn discover(
    request: &Request,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Discovered, DiscoveryFailure> {
    let started = Instant::now();
    loop {
        let failure = match attempt(request, plugins, progress).await {
            Ok(discovered) => return Ok(discovered),
            Err(failure) if failure.is_retryable() => failure,
            Err(failure) => return Err(failure),
        };
        let left = request.timing.timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(DiscoveryFailure::TimedOut {
                after: request.timing.timeout,
                last: Box::new(failure),
            });
        }
        let retry_in = request.timing.retry.min(left);
        let reason = connect::chain(&failure);
        progress.event(Event::Waiting(Waiting::Discovery { reason, retry_in }));
        tokio::time::sleep(retry_in).await;
    }
}

async fn attempt(
    request: &Request,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Discovered, DiscoveryFailure> {
    let opened = source::open(request).await?;
    let dials = dials(&opened, plugins.endpoints).await?;
    let found = plugins
        .trust
        .discover(DiscoveryRequest {
            locations: opened.trust_locations(request, &dials),
            token: opened.token.clone(),
            ca_pins: request.pins.clone(),
            document: opened.document.clone(),
        })
        .await?;
    let is_alpha = found
        .signed
        .iter()
        .any(|signed| AlphaClusterInfo::from_json(signed.as_bytes()).is_ok());
    let has_signed_document = !found.signed.is_empty() && !is_alpha;

    let proofs = Proofs {
        signed: found.signed,
        ..proofs(request, &opened)
    };
    let trust = establish(&found.proposed, &proofs)?;
    let names = Names {
        operator: opened.names.clone(),
        server_name: opened.server_name.clone(),
    };
    let routes = names.routes(&dials, trust.endpoints());
    let trust = confirm(trust, &routes, has_signed_document, progress).await?;
    let routes = names.routes(&dials, trust.endpoints());
    Ok(Discovered {
        trust,
        routes,
        credentials: opened.credentials,
        evidence: found.proposed.evidence,
    })
}

/// Where to dial. Who only named a discovery service learns the API servers from it.
async fn dials(
    opened: &Opened,
    provider: &dyn EndpointProvider,
) -> Result<Vec<HostPort>, DiscoveryFailure> {
    let asked = EndpointRequest {
        locations: opened.locations.clone(),
        zone: None,
    };
    match provider.endpoints(asked).await {
        Ok(endpoints) => dial_addresses(endpoints.addresses),
        Err(EndpointError::InvalidRequest(_)) if !opened.services.is_empty() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn proofs(request: &Request, opened: &Opened) -> Proofs {
    let described = |ca: Option<CaBundle>, endpoints| ca.map(|ca| OutOfBand { ca, endpoints });
    let given = request.ca.clone();
    let document = opened.described.as_ref();
    let (out_of_band, https_document) = match &request.source {
        Source::Token { .. } => (described(given, Vec::new()), None),
        Source::File(_) => {
            let ca = given.or_else(|| document.and_then(ClusterInfoKubeconfig::ca).cloned());
            let endpoints = document
                .map(|document| document.endpoints().to_vec())
                .unwrap_or_default();
            (described(ca, endpoints), None)
        }
        Source::Https(_) => (described(given, Vec::new()), document.cloned()),
    };
    Proofs {
        pins: request.pins.clone(),
        out_of_band,
        https_document,
        operator_endpoints: opened.operator_endpoints.clone(),
        accepted: request.accepted.clone(),
        ..Proofs::default()
    }
}

/// Fetches cluster-info over a connection verified with the CA that was just established: it must be what was signed,
/// and brings the CA certificates that were not pinned.
///
/// Where nothing of cluster-info was signed (a file, a web server, the service of 2016), a cluster that does not show it
/// to strangers is no error.
async fn confirm(
    trust: VerifiedTrust,
    routes: &[Route],
    required: bool,
    progress: &dyn Progress,
) -> Result<VerifiedTrust, DiscoveryFailure> {
    let client = connect::client(routes, trust.ca(), &Credentials::Anonymous)?;
    match cluster_info(&client).await {
        Ok(Some(document)) => Ok(trust.confirm(document.as_bytes())?),
        Ok(None) if required => Err(DiscoveryFailure::ClusterInfoGone),
        Err(failure) if required || failure.is_transient() => {
            Err(DiscoveryFailure::Confirmation(failure))
        }
        Ok(None) | Err(_) => {
            let note = "the cluster does not show cluster-info to strangers; the CA is taken as it was given";
            progress.event(Event::Note(note.to_owned()));
            Ok(trust)
        }
    }
}

/// The kubeconfig in cluster-info; none where the ConfigMap or the key is missing.
async fn cluster_info(client: &kube::Client) -> Result<Option<String>, RequestFailure> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-public");
    let config_map = match api.get("cluster-info").await.map_err(RequestFailure::from) {
        Err(RequestFailure::NotFound(_)) => return Ok(None),
        other => other?,
    };
    Ok(config_map
        .data
        .and_then(|mut data| data.remove("kubeconfig")))
}

#[cfg(test)]
mod tests;
