//! Approvals where somebody else signs: written down, and what they use up is taken.
//!
//! Where Slipway signs, the signer does this, and refuses what does not hold. Another signer asks nobody: it signs whatever is
//! approved, by whomever. What the approver approves was taken before it did. What a person approves is taken as soon as it
//! is seen, so that the next decision knows of it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_pki::decision::ledger::Refusal;
use slipway_pki::guardrail::Guarded;
use slipway_pki::signer::NodeSigner;

use crate::approver::APPROVED_BY_US;
use crate::claims::Claimed;
use crate::condition::{self, APPROVED, Standing};
use crate::context::Context;
use crate::error::Error;
use crate::queue::Next;
use crate::subject::{self, Held};
use crate::system::later;
use crate::trail;

/// How long a leader may have been away before another one takes over, and how far clocks may be apart.
const HANDOVER: Duration = Duration::from_secs(60);

/// Takes note of what is approved.
#[derive(Clone)]
pub(crate) struct ApprovalRecorder {
    pub(crate) context: Context,
    /// When it began to see approvals.
    pub(crate) began: Timestamp,
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
        let Some(request) = self.context.cache.get(name) else {
            return Ok(());
        };
        let (Some(approved), Some(approval)) = (
            condition::find(&request, APPROVED),
            trail::decision(&request),
        ) else {
            return Ok(());
        };
        let is_denied = condition::standing(&request) == Standing::Denied;
        // Once it is written down, all of this was done.
        if is_denied || self.context.log.has(&approval).await {
            return Ok(());
        }
        if self.context.policy.current().cluster.is_ours(&request)
            && let Some(held) = Held::of(&request)
        {
            let seen = Approval {
                request: &request,
                held,
                at: condition::time_of(approved).unwrap_or_else(|| (self.context.clock)()),
                // Who approves may give any reason; all that depends on this one is a number that limits nothing.
                is_ours: approved.reason.as_deref() == Some(APPROVED_BY_US),
            };
            if self.is_new(&seen) {
                self.claim(&seen).await?;
            }
            self.consume(&seen).await?;
        }
        Ok(self.context.log.record(approval).await?)
    }

    /// Whether it was approved while this was there to see it, or just before: another leader was, then. What is older was
    /// looked after by others: its node may have come and gone since, and its name may be meant for another machine.
    fn is_new(&self, seen: &Approval<'_>) -> bool {
        later(seen.at, HANDOVER) > self.began
    }

    async fn claim(&self, seen: &Approval<'_>) -> Result<(), Error> {
        if seen.held.signer != NodeSigner::KubeletClient {
            return Ok(());
        }
        let settings = &self.context.policy.current().cluster;
        let checked = self.context.guard.check(seen.request, settings).await?;
        // What breaks a guardrail by now may be the node itself, which has come.
        let Guarded::Passed(guarded) = &checked.guarded else {
            return Ok(());
        };
        let token = checked.token.as_ref();
        if let Some(wanted) = subject::claim(seen.request, guarded, token, (self.context.clock)())
            && let Claimed::Another(finding) = self.context.claims.acquire(&wanted).await?
        {
            seen.report(&finding.seen);
        }
        Ok(())
    }

    async fn consume(&self, seen: &Approval<'_>) -> Result<(), Error> {
        let token = match self.context.guard.token_behind(seen.request).await {
            // It is over in any case, whatever ended it.
            Err(Error::Unsettled(_)) => None,
            token => token?,
        };
        let Some(token) = token.filter(|token| token.ledger.is_limited() || !seen.is_ours) else {
            return Ok(());
        };
        let wanted = seen
            .held
            .token_use(seen.request, &token, (self.context.clock)());
        let refusal = match self.context.ledgers.consume(&wanted).await? {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        };
        let was_revoked_since = matches!(refusal, Refusal::Revoked(at) if at >= seen.at);
        if self.is_new(seen) && !was_revoked_since {
            seen.report(&refusal.to_string());
        }
        Ok(())
    }
}

/// An approval that nothing is known of yet.
struct Approval<'a> {
    request: &'a CertificateSigningRequest,
    held: Held,
    at: Timestamp,
    /// Whether it says that the approver approved, who counts what it approves.
    is_ours: bool,
}

impl Approval<'_> {
    /// Says that it should not have been, since nothing can be done about it any more.
    fn report(&self, reason: &str) {
        tracing::error!(
            request = self.request.name_any(),
            reason,
            "somebody approved what a guardrail forbids, and somebody else signs it"
        );
    }
}
