//! Leaves every new node to a person. Renewals are not its business, so that they never wait for one.

use slipway_sdk::prelude::*;

/// Defers new nodes, abstains from renewals.
#[derive(Debug)]
pub struct ApproveManual;

impl Plugin for ApproveManual {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl CsrApprover for ApproveManual {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        if request.is_from_the_node_itself() {
            return Ok(Review::abstain().finding(Finding::skipped(
                "decided-by-a-person",
                format!("node {} asks for itself", request.node_name),
            )));
        }
        let seen = format!(
            "{} asks for node {} with key {}",
            request.requester.username, request.node_name, request.key_fingerprint
        );
        Ok(
            Review::defer("new nodes are approved by a person on this cluster").finding(
                Finding::failed("decided-by-a-person", seen).fix(
                    "compare the key's fingerprint with the one that the node shows, then approve or deny the request",
                ),
            ),
        )
    }
}

slipway_sdk::export_csr_approver!(ApproveManual);

#[cfg(test)]
mod tests;
