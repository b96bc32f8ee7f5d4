//! Approvals where somebody else signs: written down, and what they use up is taken.
//!
//! Where Slipway signs, the signer does this, and refuses what does not hold. Another signer asks nobody: it signs whatever is
//! approved, by whomever. What the approver approves was taken before it did. What a person approves is taken as soon as it
//! is seen, so that the next decision knows of it.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_pki::guardrail::Guarded;

use crate::approver::APPROVED_BY_US;
use crate::claims::{Claimed, Claims};
use crate::cluster::Guard;
use crate::condition::{self, APPROVED, Standing};
use crate::decision_log::DecisionLog;
use crate::error::Error;
use crate::ledger::Ledgers;
use crate::policy::PolicyInForce;
use crate::queue::Next;
use crate::subject::{self, Held};
use crate::system::Clock;
use crate::trail;
use crate::watch::Cache;

/// Takes note of what is approved.
#[derive(Clone)]
pub(crate) struct ApprovalRecorder {
    pub(crate) cache: Cache<CertificateSigningRequest>,
    pub(crate) guard: Guard,
    pub(crate) policy: PolicyInForce,
    pub(crate) claims: Claims,
    pub(crate) ledgers: Ledgers,
    pub(crate) log: DecisionLog,
    pub(crate) clock: Clock,
}

impl ApprovalRecorder {
    /// Works on the request of this name.
    pub(crate) async fn handle(&self, name: &str) -> Next {
        match self.look(name).await {
            Ok(()) => Next::Done,
            Err(error) => {
                if !error.is_conflict() {
                    tracing::warn!(
                        request = name,
                        error = &error as &dyn std::error::Error,
                        "an approval could not be recorded"
                    );
                }
                Next::Retry
            }
        }
    }

    async fn look(&self, name: &str) -> Result<(), Error> {
        let Some(request) = self.cache.get(name) else {
            return Ok(());
        };
        if !matches!(
            condition::standing(&request),
            Standing::Approved | Standing::Issued
        ) {
            return Ok(());
        }
        let Some(approval) = trail::decision(&request) else {
            return Ok(());
        };
        // Once written down, everything below was done: with another restart it would be done again.
        if !self.log.has(&approval).await && !is_ours(&request) {
            self.claim(&request).await?;
            self.consume(&request).await?;
        }
        Ok(self.log.record(approval).await?)
    }

    async fn claim(&self, request: &CertificateSigningRequest) -> Result<(), Error> {
        let settings = &self.policy.current().cluster;
        let checked = self.guard.check(request, settings).await?;
        // What breaks a guardrail by now may be the node itself, which has come.
        let Guarded::Passed(guarded) = &checked.guarded else {
            return Ok(());
        };
        let token = checked.token.as_ref();
        if let Some(wanted) = subject::claim(request, guarded, token, (self.clock)())
            && let Claimed::Another(finding) = self.claims.acquire(&wanted).await?
        {
            past_a_bound(request, &finding.seen);
        }
        Ok(())
    }

    async fn consume(&self, request: &CertificateSigningRequest) -> Result<(), Error> {
        let Some(held) = Held::of(request) else {
            return Ok(());
        };
        let token = match self.guard.token_behind(request).await {
            // It is over in any case, whatever ended it.
            Err(Error::Unsettled(_)) => None,
            token => token?,
        };
        if let Some(token) = token {
            let wanted = held.token_use(request, &token, (self.clock)());
            if let Err(refusal) = self.ledgers.consume(&wanted).await? {
                past_a_bound(request, &refusal.to_string());
            }
        }
        Ok(())
    }
}

/// Whether the approver approved it, who takes what it uses up before that.
fn is_ours(request: &CertificateSigningRequest) -> bool {
    condition::find(request, APPROVED)
        .is_some_and(|approved| approved.reason.as_deref() == Some(APPROVED_BY_US))
}

fn past_a_bound(request: &CertificateSigningRequest, reason: &str) {
    tracing::error!(
        request = request.name_any(),
        reason,
        "somebody approved what a guardrail forbids, and somebody else signs it"
    );
}
