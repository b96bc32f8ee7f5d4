//! Approves the nodes that a ConfigMap of the cluster names. For the tests of the whole.

use serde_json::Value;
use slipway_sdk::cluster;
use slipway_sdk::prelude::*;

/// An approver with an inventory in the cluster.
#[derive(Debug)]
pub struct ReadsTheCluster;

impl Plugin for ReadsTheCluster {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl CsrApprover for ReadsTheCluster {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        let machines: Option<Value> = cluster::get(&cluster::CONFIG_MAP, "default", "machines")
            .map_err(|error| ReviewError::Unavailable(error.to_string()))?;
        let name = &request.node_name;
        let is_listed = machines
            .as_ref()
            .and_then(|machines| machines.get("data")?.get(name))
            .is_some();
        Ok(match is_listed {
            true => Review::approve(),
            false => Review::deny(format!("{name} is none of the machines")),
        })
    }
}

slipway_sdk::export_csr_approver!(ReadsTheCluster);
