//! Approves a node's renewal of its own client certificate, and has no opinion on anything else.

use slipway_sdk::prelude::*;

/// Approves renewals of client certificates.
#[derive(Debug)]
pub struct ApproveRenewal;

impl Plugin for ApproveRenewal {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl CsrApprover for ApproveRenewal {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        const RULE: &str = "node-renews-itself";
        if !request.is_for_client() {
            return Ok(Review::abstain().finding(Finding::skipped(
                RULE,
                format!(
                    "{} does not sign client certificates of nodes",
                    request.signer_name
                ),
            )));
        }
        let seen = format!(
            "{} asks for node {}",
            request.requester.username, request.node_name
        );
        if request.is_from_the_node_itself() {
            Ok(Review::approve().finding(Finding::passed(RULE, seen)))
        } else {
            Ok(Review::abstain().finding(Finding::skipped(RULE, seen)))
        }
    }
}

slipway_sdk::export_csr_approver!(ApproveRenewal);

#[cfg(test)]
mod tests;
