//! What a decision rests on, and how the log has it.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use slipway_config::finding::Finding;
use slipway_config::redact;
use slipway_pki::decision::verdict::Decision;
use slipway_pki::guardrail::Guarded;

use crate::approver::summary;
use crate::chain::Reviewed;
use crate::cluster::GuardedCsr;
use crate::decision_log::{Action, Entry, Stage};
use crate::subject;

/// A request with everything that was found out about it.
#[derive(Debug)]
pub struct Examined {
    /// The request.
    pub request: CertificateSigningRequest,
    /// What the guardrails say of it.
    pub checked: GuardedCsr,
    /// What the approvers say of it.
    pub reviewed: Reviewed,
}

impl Examined {
    /// The entry of the decision log about a decision that is taken because of it, and not carried out yet; `finding` says
    /// what else stood in the way.
    pub fn entry(&self, decision: &Decision, finding: Option<Finding>) -> Entry {
        let (guardrails, read) = match &self.checked.guarded {
            Guarded::Passed(guarded) => (guarded.findings(), Some(guarded.request())),
            Guarded::Broken(findings) => (findings.as_slice(), None),
            Guarded::Ignored => (&[][..], None),
        };
        let action = Action::of(decision);
        let opinions = self.reviewed.recorded(decision);
        Entry {
            stage: match action {
                Action::Approve | Action::Deny => Stage::Intent,
                _ => Stage::Done,
            },
            action,
            reason: summary(decision, &opinions),
            by: None,
            subject: match read {
                Some(read) => subject::recorded_as(&self.request, Some(read)),
                None => subject::recorded(&self.request),
            },
            guardrails: guardrails
                .iter()
                .chain(&finding)
                .map(redact::finding)
                .collect(),
            opinions,
            certificate: None,
            recording: None,
        }
    }
}
