//! Approves serving certificates of nodes. What a node says about itself proves nothing, so every name and address in a
//! request has to be confirmed by a source that the node does not write to: the DNS, an inventory of the operator, or the
//! Machines of Cluster API.
//!
//! It checks what [kubelet-csr-approver](https://github.com/postfinance/kubelet-csr-approver) checks, and more strictly: a
//! pattern is anchored, a DNS name belongs to a node as a whole and not by its beginning, a request with addresses only is
//! bound to the node like any other, and an outage of the source denies nobody.

mod rules;
mod settings;
mod source;

use slipway_sdk::prelude::*;

use rules::Violation;
use settings::Policy;
pub use settings::{Inventory, Machines, Otherwise, Settings, Source};
use source::Known;

/// Approves serving certificates of nodes.
#[derive(Debug)]
pub struct ApproveNodeServing {
    policy: Policy,
}

impl Plugin for ApproveNodeServing {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        Policy::new(settings).map(|policy| Self { policy })
    }
}

impl CsrApprover for ApproveNodeServing {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        if !(request.is_for_serving() && request.is_from_the_node_itself()) {
            let seen = format!(
                "{} asks {} for a certificate of {}",
                request.requester.username, request.signer_name, request.node_name
            );
            return Ok(Review::abstain().finding(Finding::skipped("serving-certificate", seen)));
        }
        let mut findings = Vec::new();
        let mut violations = Vec::new();
        let mut note = |result: Result<Finding, Violation>| match result {
            Ok(finding) => findings.push(finding),
            Err(Violation { finding, reason }) => {
                findings.push(finding);
                violations.push(reason);
            }
        };
        note(rules::node_name(&self.policy, request));
        note(rules::lifetime(&self.policy, request));
        let names = self.policy.names_of(&request.node_name);
        let confirmed = match source::look_up(&self.policy.source, request, &names)? {
            Known::Node(confirmed) => Some(confirmed),
            Known::Nothing(seen) => {
                findings
                    .push(Finding::failed(rules::SOURCE, &*seen).fix(self.policy.source.remedy()));
                return Ok(match violations.into_iter().next() {
                    Some(reason) => self.policy.object(reason),
                    None => Review::defer(seen),
                }
                .findings(findings));
            }
            Known::Contradiction(violation) => {
                note(Err(violation));
                None
            }
        };
        if let Some(confirmed) = confirmed {
            note(rules::dns_names(request, &names, &confirmed));
            note(rules::addresses(request, &confirmed));
            note(rules::networks(&self.policy, request, &confirmed));
        }
        Ok(match violations.into_iter().next() {
            Some(reason) => self.policy.object(reason),
            None => Review::approve(),
        }
        .findings(findings))
    }
}

slipway_sdk::optional_imports![
    "slipway:plugin/cluster",
    "wasi:filesystem/preopens",
    "wasi:http/outgoing-handler",
    "wasi:sockets/ip-name-lookup",
];

slipway_sdk::export_csr_approver!(ApproveNodeServing);

#[cfg(test)]
mod tests;
