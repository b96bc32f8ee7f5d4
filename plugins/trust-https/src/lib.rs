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
        let [url] = request.locations.as_slice() else {
            return Err(DiscoveryError::InvalidRequest(format!(
                "expected the URL of one kubeconfig, found {} locations",
                request.locations.len()
            )));
        };
        if !url.starts_with("https://") {
            return Err(DiscoveryError::InvalidRequest(format!(
                "{url:?} is not an https URL"
            )));
        }
        let document = request.document.as_deref().ok_or_else(|| {
            DiscoveryError::InvalidRequest(format!("the host has not fetched {url}"))
        })?;
        let entry = ClusterEntry::parse(document)?;
        let evidence = Finding::passed(
            "kubeconfig-over-https",
            format!("{url} names {}", entry.endpoints.join(", ")),
        );
        let ca = match &entry.ca_bundle {
            Some(_) => Finding::passed("ca-in-document", format!("{url} has the cluster's CA")),
            None => Finding::skipped("ca-in-document", format!("{url} has no CA")),
        };
        Ok(entry.propose(vec![evidence, ca]))
    }
}

slipway_sdk::export_trust_source!(TrustHttps);

#[cfg(test)]
mod tests;
