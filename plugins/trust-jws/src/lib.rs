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
use slipway_sdk::unverified_https::{self, FetchError, Limits, Response};

use attempts::Attempts;
use location::Location;

/// How long all locations together are waited for; less than the deadline that the default configuration gives the call.
const PATIENCE: Duration = Duration::from_secs(12);

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
        let limits = limits(locations.len());
        let mut attempts = Attempts::default();
        for location in &locations {
            let result = match location {
                Location::ApiServer(address) => cluster_info::discover(address, token, limits),
                Location::DiscoveryService(address) => {
                    discovery_service::discover(address, token, limits)
                }
            };
            match result {
                Ok(trust) => return Ok(trust),
                Err(error) => attempts.failed(location, error),
            }
        }
        Err(attempts.into_error())
    }
}

/// A location that does not answer must not use up the time for the others.
fn limits(locations: usize) -> Limits {
    let locations = u32::try_from(locations).unwrap_or(u32::MAX).max(1);
    Limits {
        time: PATIENCE / locations,
        ..Limits::default()
    }
}

/// Fetches a document of discovery; only a whole answer with status 200 is one.
fn fetch(url: &str, limits: Limits) -> Result<Response, DiscoveryError> {
    let response = unverified_https::get(url, limits).map_err(classify)?;
    match response.status {
        200 => Ok(response),
        401 | 403 => Err(DiscoveryError::Other(
            "the server shows nothing to clients without credentials; does the cluster switch anonymous access off? \
             Then its discovery service can be named as discovery://host:9898"
                .to_owned(),
        )),
        404 => Err(DiscoveryError::NotSigned(
            "the server has no cluster information yet".to_owned(),
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
        FetchError::TooLarge | FetchError::Protocol(_) => DiscoveryError::Untrusted(reason),
        _ => DiscoveryError::Other(reason),
    }
}

slipway_sdk::export_trust_source!(TrustJws);

#[cfg(test)]
mod tests;
