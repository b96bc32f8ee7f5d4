//! Proposes what a kubeconfig behind an HTTPS URL says. The host has fetched it, verified by this machine's trust roots,
//! and kept its credentials.

use slipway_sdk::kubeconfig::ClusterEntry;
use slipway_sdk::prelude::*;

/// Reads a fetched kubeconfig.
#[derive(Debug)]
pub struct TrustHttps;

impl Plugin for TrustHttps {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl TrustSource for TrustHttps {
    fn discover(&self, request: &DiscoveryRequest<'_>) -> Result<ClusterTrust, DiscoveryError> {
        let url = request.only_location()?;
        if !url.starts_with("https://") {
            return Err(DiscoveryError::InvalidRequest(format!(
                "{url:?} is not an https URL"
            )));
        }
        let entry = ClusterEntry::of_request(request)?;
        let evidence = entry.evidence("kubeconfig-over-https", url);
        Ok(entry.propose(evidence))
    }
}

slipway_sdk::export_trust_source!(TrustHttps);

#[cfg(test)]
mod tests;
