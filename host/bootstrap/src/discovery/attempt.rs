//! One attempt: one trust source, asked about one thing that the operator named.

use std::sync::Arc;

use slipway_config::endpoint::HostPort;
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use slipway_pki::ca::CaBundle;
use slipway_pki::decision::trust::{Accepted, OutOfBand, Proofs, establish};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_plugin::EndpointProvider;
use slipway_plugin::extension::endpoint_provider::{EndpointError, EndpointRequest};
use slipway_plugin::extension::trust_source::DiscoveryRequest;

use super::routes::{Names, dial_addresses};
use super::source::{self, Opened};
use super::{Candidate, Discovered, DiscoveryFailure, NoEndpoints, Request, Source, cluster_info};
use crate::connect::Connections;
use crate::posture;
use crate::progress::Progress;

/// From a source to trust, by way of a proposal.
pub(super) async fn attempt(
    request: &Request,
    source: &Source,
    candidate: &Candidate,
    providers: &[Arc<dyn EndpointProvider>],
    progress: &dyn Progress,
) -> Result<Discovered, DiscoveryFailure> {
    let opened = source::open(source, request).await?;
    let dials = dials(&opened, providers).await?;
    let found = candidate
        .plugin
        .discover(DiscoveryRequest {
            locations: opened.trust_locations(source, &dials),
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

    let names = Names {
        operator: opened.names.clone(),
        server_name: opened.server_name.clone(),
    };
    let mut proofs = proofs(request, source, &opened);
    proofs.signed = found.signed;
    if candidate.believed_unverified {
        proofs.accepted.insert(Accepted::UnverifiedSource);
    }
    if let Some(document) = opened.described.as_ref().filter(|_| request.ca.is_none())
        && document.ca().is_none()
    {
        let routes = names.routes(&dials, document.endpoints());
        proofs.https_document = Some(cluster_info::fill_in(request, &opened, &routes).await?);
    }
    let trust = establish(&found.proposed, &proofs)?;
    let routes = names.routes(&dials, trust.endpoints());
    let connections = Connections::new(routes, trust.ca().clone())?;
    let confirmed = cluster_info::confirm(
        trust,
        &connections,
        opened.credentials.as_ref(),
        has_signed_document,
        progress,
    );
    let trust = confirmed.await?;
    let routes = names.routes(&dials, trust.endpoints());
    Ok(Discovered {
        connections: connections.renewed(routes, trust.ca())?,
        posture: posture::of_trust(&trust, &candidate.plugin.identity().name),
        trust,
        credentials: opened.credentials,
        source: candidate.plugin.identity().name.clone(),
        evidence: found.proposed.evidence,
    })
}

/// Where to dial, from the first provider that knows. Who only named a discovery service learns the API servers from it.
async fn dials(
    opened: &Opened,
    providers: &[Arc<dyn EndpointProvider>],
) -> Result<Vec<HostPort>, DiscoveryFailure> {
    let mut failures = Vec::new();
    for provider in providers {
        let asked = EndpointRequest {
            locations: opened.locations.clone(),
            zone: None,
        };
        match provider.endpoints(asked).await {
            Ok(endpoints) => return dial_addresses(endpoints.addresses),
            Err(error) => failures.push((provider.identity().name.clone(), error)),
        }
    }
    let is_unusable = |error: &EndpointError| matches!(error, EndpointError::InvalidRequest(_));
    match failures.iter().all(|(_, error)| is_unusable(error)) && !opened.services.is_empty() {
        true => Ok(Vec::new()),
        false => Err(NoEndpoints { failures }.into()),
    }
}

fn proofs(request: &Request, source: &Source, opened: &Opened) -> Proofs {
    let described = |ca: Option<CaBundle>, endpoints| ca.map(|ca| OutOfBand { ca, endpoints });
    let given = request.ca.clone();
    let document = opened.described.as_ref();
    let (out_of_band, https_document) = match source {
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
