//! The decision that stands in a request, whoever took it: what the decision log says of it.
//!
//! Whatever the approvers decide is announced in the log before it is done. What somebody else decides, a person with
//! `slipway csr approve` or with kubectl, or another controller, is known only once it stands in the request. So the log
//! is told of every decision that took effect when it is seen, and writes each of them once.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use slipway_config::redact;
use slipway_pki::signer::NodeSigner;

use crate::condition::{self, APPROVED, DECIDED, DENIED};
use crate::decision_log::{Action, Entry, Stage};
use crate::subject;

/// The record of the decision that stands in the request; none where it is not decided, or is for a signer that is not
/// served.
pub(crate) fn decision(request: &CertificateSigningRequest) -> Option<Entry> {
    NodeSigner::from_name(&request.spec.signer_name)?;
    let (action, decided) = [(Action::Deny, DENIED), (Action::Approve, APPROVED)]
        .into_iter()
        .find_map(|(action, type_)| Some((action, condition::find(request, type_)?)))?;
    let said = decided
        .message
        .as_deref()
        .filter(|message| !message.is_empty())
        .or(decided.reason.as_deref())
        .unwrap_or_default();
    Some(Entry {
        stage: Stage::Done,
        action,
        reason: redact::text(said),
        by: condition::find(request, DECIDED)
            .and_then(|condition| condition.message.as_deref())
            .map(redact::text),
        subject: subject::recorded(request),
        guardrails: Vec::new(),
        opinions: Vec::new(),
        certificate: None,
        recording: None,
    })
}
