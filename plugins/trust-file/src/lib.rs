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
        let [path] = request.locations.as_slice() else {
            return Err(DiscoveryError::InvalidRequest(format!(
                "expected the path of one kubeconfig file, found {} locations",
                request.locations.len()
            )));
        };
        let document = request.document.as_deref().ok_or_else(|| {
            DiscoveryError::InvalidRequest(format!("the host has not read the file {path}"))
        })?;
        let entry = ClusterEntry::parse(document)?;
        let evidence = Finding::passed(
            "kubeconfig-file",
            format!("{path} names {}", entry.endpoints.join(", ")),
        );
        let ca = match &entry.ca_bundle {
            Some(_) => Finding::passed("ca-in-file", format!("{path} has the cluster's CA")),
            None => Finding::skipped("ca-in-file", format!("{path} has no CA")),
        };
        Ok(entry.propose(vec![evidence, ca]))
    }
}

slipway_sdk::export_trust_source!(TrustFile);

#[cfg(test)]
mod tests;
