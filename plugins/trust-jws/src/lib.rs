//! Learns the cluster from information that is signed with the bootstrap token: cluster-info of an API server, or the
//! stand-alone discovery service of 2016.
//!
//! TLS proves nothing here, so nothing is believed that the host has not verified with the token.

mod attempts;
mod cluster_info;
mod discovery_service;
mod location;

use std::time::Duration;

use slipway_sdk::prelude::*;
use slipway_sdk::token::BootstrapToken;
use slipway_sdk::unverified_https::{self, FetchError, Limits, Response};

use attempts::Attempts;
use location::Location;

/// How long all locations together are waited for; less than the deadline that the default configuration gives the call.
const PATIENCE: Duration = Duration::from_secs(12);

/// How much later each location is asked than the one before it, where nobody answers.
const HEAD_START: Duration = Duration::from_millis(250);

/// The time that a location has in any case.
const SHORTEST: Duration = Duration::from_secs(4);

/// Discovers through signed cluster information.
#[derive(Debug)]
pub struct TrustJws;

impl Plugin for TrustJws {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl TrustSource for TrustJws {
    fn discover(&self, request: &DiscoveryRequest<'_>) -> Result<ClusterTrust, DiscoveryError> {
        let token = request.token.as_ref().ok_or_else(|| {
            DiscoveryError::InvalidRequest(
                "a bootstrap token is needed: the cluster's information is signed with it"
                    .to_owned(),
            )
        })?;
        let locations = request
            .locations
            .iter()
            .map(|text| Location::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        let urls: Vec<_> = locations
            .iter()
            .map(|location| url(location, token))
            .collect();
        let mut attempts = Attempts::default();
        for (index, outcome) in unverified_https::race(&urls, limits(urls.len())) {
            let Some(location) = locations.get(index) else {
                continue;
            };
            match document(outcome).and_then(|document| read(&document, location, token)) {
                Ok(trust) => return Ok(trust),
                Err(error) => attempts.failed(location, error),
            }
        }
        Err(attempts.into_error())
    }
}

/// The last location begins after a head start for each of the others.
fn limits(locations: usize) -> Limits {
    let head_starts = u32::try_from(locations).map_or(PATIENCE, |others| HEAD_START * others);
    Limits {
        time: PATIENCE.saturating_sub(head_starts).max(SHORTEST),
        ..Limits::default()
    }
}

fn url(location: &Location, token: &BootstrapToken<'_>) -> String {
    match location {
        Location::ApiServer(server) => cluster_info::url(server),
        Location::DiscoveryService(service) => discovery_service::url(service, &token.id()),
    }
}

fn read(
    document: &[u8],
    location: &Location,
    token: &BootstrapToken<'_>,
) -> Result<ClusterTrust, DiscoveryError> {
    match location {
        Location::ApiServer(server) => cluster_info::read(document, server, token),
        Location::DiscoveryService(service) => discovery_service::read(document, service, token),
    }
}

/// The document of discovery that a server answered; only a whole answer with status 200 is one.
fn document(outcome: Result<Response, FetchError>) -> Result<Vec<u8>, DiscoveryError> {
    let response = outcome.map_err(classify)?;
    match response.status {
        200 => Ok(response.body),
        401 | 403 => Err(DiscoveryError::Other(
            "the server shows nothing to clients without credentials; does the cluster switch anonymous access off? \
             Then its discovery service can be named as discovery://host:9898"
                .to_owned(),
        )),
        404 => Err(DiscoveryError::NotSigned(
            "the server has no cluster information (404): it is no API server, or its cluster is not up yet"
                .to_owned(),
        )),
        status @ (429 | 500..) => Err(DiscoveryError::Unavailable(format!(
            "the server answers with status {status}"
        ))),
        status => Err(DiscoveryError::Other(format!(
            "the server answers with status {status}"
        ))),
    }
}

fn classify(error: FetchError) -> DiscoveryError {
    let reason = error.to_string();
    match error {
        error if error.is_transient() => DiscoveryError::Unavailable(reason),
        FetchError::NotAllowed(_) => DiscoveryError::InvalidRequest(reason),
        FetchError::TooLarge => DiscoveryError::Untrusted(reason),
        _ => DiscoveryError::Other(reason),
    }
}

slipway_sdk::export_trust_source!(TrustJws);

#[cfg(test)]
mod tests;
