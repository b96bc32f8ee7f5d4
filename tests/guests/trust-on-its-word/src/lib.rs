//! Proposes the CA that it was told, and proves nothing.

use serde::Deserialize;
use slipway_sdk::prelude::*;

/// What to propose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnItsWord {
    /// The CA, in PEM.
    ca: String,
}

impl Plugin for OnItsWord {
    type Settings = Self;

    fn configure(settings: Self) -> Result<Self, SettingErrors> {
        Ok(settings)
    }
}

impl TrustSource for OnItsWord {
    fn discover(&self, request: &DiscoveryRequest<'_>) -> Result<ClusterTrust, DiscoveryError> {
        Ok(ClusterTrust {
            endpoints: vec![format!("https://{}", request.only_location()?)],
            ca_bundle: self.ca.clone(),
            evidence: Vec::new(),
        })
    }
}

slipway_sdk::export_trust_source!(OnItsWord);
