//! Proposes what a kubeconfig file says that the operator brought to this machine. The host has read the file and kept
//! its credentials.

use slipway_sdk::kubeconfig::ClusterEntry;
use slipway_sdk::prelude::*;

/// Reads a kubeconfig file.
#[derive(Debug)]
pub struct TrustFile;

impl Plugin for TrustFile {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl TrustSource for TrustFile {
    fn discover(&self, request: &DiscoveryRequest<'_>) -> Result<ClusterTrust, DiscoveryError> {
        let path = request.only_location()?;
        let entry = ClusterEntry::of_request(request)?;
        let evidence = entry.evidence("kubeconfig-file", path);
        Ok(entry.propose(evidence))
    }
}

slipway_sdk::export_trust_source!(TrustFile);

#[cfg(test)]
mod tests;
