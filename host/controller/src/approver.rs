//! The approver: from an open request to a decision that is written down, reserved for, and written into the request.
//!
//! Each step is committed before the next one begins, and a run that is cut short between any two of them comes to the
//! same end when it is begun again: the claim is the same key's, the use is reserved for it already, and an intent that
//! is written twice announces the same act. Everything a decision rests upon is read live but for the request itself: what
//! it asks for never changes, and where anything else in it did, the API refuses what is written over it.

mod outcome;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use kube::api::PostParams;
use slipway_config::finding::Finding;
use slipway_config::redact;
use slipway_pki::decision::ledger::{Refusal, TokenUse};
use slipway_pki::decision::verdict::{Decision, GUARDRAILS};
use slipway_pki::guardrail::Guarded;

pub(crate) use self::outcome::summary;
use self::outcome::{Explained, explain};
use crate::chain::Sight;
use crate::claims::Claimed;
use crate::condition::{self, APPROVED, DENIED, REVIEWED, Standing};
use crate::context::Context;
use crate::decision_log::{Case, Entry};
use crate::error::{During as _, Error};
use crate::examined::Examined;
use crate::queue::Next;
use crate::subject::{self, Held};
use crate::{measures, trail};

/// The reason of an approval of the approver's.
pub(crate) const APPROVED_BY_US: &str = "ApprovedBySlipway";

/// How long until an undecided request is looked at again at the earliest although nothing was seen to change.
const RECHECK: Duration = Duration::from_secs(300);
/// What part of its age it waits for that.
const RECHECK_PART: u32 = 4;
/// How long until it is looked again whether a claimed name is free.
const CLAIM_RECHECK: Duration = Duration::from_secs(15);

/// Decides requests.
#[derive(Clone)]
pub(crate) struct Approver {
    pub(crate) context: Context,
    /// Whether somebody else signs what is approved.
    pub(crate) signed_elsewhere: bool,
}

impl Approver {
    /// Works on the request of this name; failures are noted in the request as far as that is possible.
    pub(crate) async fn handle(&self, name: &str) -> Next {
        match self.decide(name).await {
            Ok(next) => next,
            Err(error) if error.is_conflict() => Next::Retry,
            Err(error) => {
                tracing::warn!(
                    request = name,
                    error = &error as &dyn std::error::Error,
                    "a request could not be decided"
                );
                self.show_failure(name, &error).await;
                Next::Retry
            }
        }
    }

    async fn decide(&self, name: &str) -> Result<Next, Error> {
        let Some(request) = self.context.cache.get(name) else {
            return Ok(Next::Done);
        };
        match condition::standing(&request) {
            Standing::Open => self.review(request).await,
            Standing::Denied | Standing::Failed => {
                self.note(&request).await?;
                self.give_back(&request).await
            }
            Standing::Approved | Standing::Issued => Ok(Next::Done),
        }
    }

    async fn review(&self, request: CertificateSigningRequest) -> Result<Next, Error> {
        let policy = self.context.policy.current();
        let checked = self.context.guard.check(&request, &policy.cluster).await?;
        let now = (self.context.clock)();
        let sight = match self.context.log.keeps_recordings() {
            true => Sight::Noted,
            false => Sight::Live,
        };
        let (reviewed, decision) = policy.chain.judge(&request, &checked, now, sight).await;
        let case = Examined {
            request,
            checked,
            reviewed,
        };
        match decision {
            None => Ok(Next::Done),
            Some(decision @ Decision::Approved { .. }) => self.approve(case, decision).await,
            Some(decision @ Decision::Denied(_)) => self.deny(case, decision).await,
            Some(decision @ Decision::Pending { .. }) => {
                let claim = self.claim_of_another(&case).await?;
                self.leave_open(case, decision, claim).await
            }
            Some(decision @ Decision::Retry { .. }) => self.leave_open(case, decision, None).await,
        }
    }

    /// Whether another key has the node's name: whoever is to decide should know before.
    async fn claim_of_another(&self, case: &Examined) -> Result<Option<Finding>, Error> {
        let Guarded::Passed(guarded) = &case.checked.guarded else {
            return Ok(None);
        };
        let token = case.checked.token.as_ref();
        let Some(wanted) = subject::claim(&case.request, guarded, token, (self.context.clock)())
        else {
            return Ok(None);
        };
        Ok(self.context.claims.look(&wanted).await?.by_another())
    }

    /// Holds one of a limited number of uses until the certificate is signed. Another signer tells nobody when it signs, so
    /// that the use is consumed before anything is approved.
    async fn hold(&self, wanted: &TokenUse) -> Result<Result<(), Refusal>, Error> {
        let held = match self.signed_elsewhere {
            true => self.context.ledgers.consume(wanted).await?,
            false => self.context.ledgers.reserve(wanted).await?,
        };
        Ok(held.map(drop))
    }

    /// Claim, use of the token, intent, approval; in this order.
    async fn approve(&self, case: Examined, decision: Decision) -> Result<Next, Error> {
        let Guarded::Passed(guarded) = &case.checked.guarded else {
            return Ok(Next::Done);
        };
        let now = (self.context.clock)();
        let token = case.checked.token.as_ref();
        if let Some(wanted) = subject::claim(&case.request, guarded, token, now)
            && let Claimed::Another(finding) = self.context.claims.make(&wanted).await?
        {
            let decision = Decision::name_claimed(&finding);
            return self.leave_open(case, decision, Some(finding)).await;
        }
        let wanted = subject::token_use(&case.request, guarded, token, now);
        let is_limited = token.is_some_and(|token| token.ledger.is_limited());
        if let Some(wanted) = wanted.as_ref().filter(|_| is_limited)
            && self.hold(wanted).await?.is_err()
        {
            // Somebody was quicker with the token: the guardrails say what that means.
            return Ok(Next::Retry);
        }
        self.write_decision(case, &decision, APPROVED, APPROVED_BY_US)
            .await?;
        if let Some(wanted) = wanted.filter(|_| self.signed_elsewhere && !is_limited) {
            // Nothing depends on this number, which the signer would count.
            let _ = self.context.ledgers.consume(&wanted).await?;
        }
        Ok(Next::Done)
    }

    async fn deny(&self, case: Examined, decision: Decision) -> Result<Next, Error> {
        let reason = match &decision {
            Decision::Denied(reason) if reason.approver == GUARDRAILS => "GuardrailBroken",
            _ => "DeniedByApprover",
        };
        let request = self.write_decision(case, &decision, DENIED, reason).await?;
        self.give_back(&request).await
    }

    /// Intent, act, and that it was done.
    async fn write_decision(
        &self,
        case: Examined,
        decision: &Decision,
        type_: &'static str,
        reason: &str,
    ) -> Result<CertificateSigningRequest, Error> {
        let entry = case.entry(decision, None);
        let why = entry.reason.clone();
        self.write_down(entry, case.reviewed.case()).await?;
        let mut request = case.request;
        condition::put(
            &mut request,
            type_,
            "True",
            reason,
            &why,
            (self.context.clock)(),
        );
        let name = request.name_any();
        let written = self
            .context
            .requests
            .replace_subresource("approval", &name, &PostParams::default(), &request)
            .await
            .during("update the approval of", title(&name))?;
        tracing::info!(
            request = name,
            decision = type_,
            reason = why,
            "a request was decided"
        );
        measures::decided(type_);
        let now = (self.context.clock)();
        self.context
            .announcer
            .tell(&written, type_, reason, &why, now);
        // The act is done; where this fails, it is noted when the request is seen next.
        if let Err(error) = self.note(&written).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "that a decision took effect could not be noted"
            );
        }
        Ok(written)
    }

    /// A person must decide, or it is tried again: shown in the request, and noted when it is new. `claim` says that
    /// another key has the node's name.
    async fn leave_open(
        &self,
        case: Examined,
        decision: Decision,
        claim: Option<Finding>,
    ) -> Result<Next, Error> {
        let Explained { reason, message } = explain(&decision, &case.reviewed, claim.as_ref());
        let next = match (&decision, &claim) {
            (Decision::Retry { .. }, _) => Next::Retry,
            (_, Some(_)) => Next::After(CLAIM_RECHECK),
            (_, None) => Next::After(recheck(&case.request, (self.context.clock)())),
        };
        let entry = case.entry(&decision, claim);
        if self.show(case.request, reason, &message).await? {
            measures::decided(reason);
            self.write_down(entry, case.reviewed.case()).await?;
        }
        Ok(next)
    }

    async fn write_down(&self, entry: Entry, rests_upon: Option<Case>) -> Result<(), Error> {
        for opinion in entry.opinions.iter().filter(|opinion| opinion.disagrees) {
            measures::disagreed(&opinion.plugin);
        }
        Ok(self.context.log.record_with(entry, rests_upon).await?)
    }

    /// What a denied request held is free again.
    async fn give_back(&self, request: &CertificateSigningRequest) -> Result<Next, Error> {
        let Some(held) = Held::of(request) else {
            return Ok(Next::Done);
        };
        let token = match self.context.guard.token_behind(request).await {
            // It is over in any case, whatever ended it.
            Err(Error::Unsettled(_)) => None,
            token => token?,
        };
        if let Some(token) = token {
            let used = held.token_use(request, &token, (self.context.clock)());
            self.context.ledgers.release(&used).await?;
        }
        self.context.claims.settle(&held.node).await?;
        Ok(Next::Done)
    }

    async fn show_failure(&self, name: &str, error: &Error) {
        let message = redact::text(&error.to_string());
        let shown = match self.read(name).await {
            Ok(Some(request)) if condition::standing(&request) == Standing::Open => {
                self.show(request, "Retrying", &message).await.map(drop)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = shown {
            tracing::debug!(
                request = name,
                error = &error as &dyn std::error::Error,
                "a failure could not be shown"
            );
        }
    }

    /// Writes our own condition. Returns whether it says something new.
    async fn show(
        &self,
        mut request: CertificateSigningRequest,
        reason: &str,
        message: &str,
    ) -> Result<bool, Error> {
        let message = condition::shortened(message);
        let is_shown = condition::find(&request, REVIEWED).is_some_and(|condition| {
            condition.reason.as_deref() == Some(reason)
                && condition.message.as_deref() == Some(&message)
        });
        if is_shown {
            return Ok(false);
        }
        condition::put(
            &mut request,
            REVIEWED,
            "False",
            reason,
            &message,
            (self.context.clock)(),
        );
        let name = request.name_any();
        self.context
            .requests
            .replace_status(&name, &PostParams::default(), &request)
            .await
            .during("update the status of", title(&name))?;
        let now = (self.context.clock)();
        self.context
            .announcer
            .tell(&request, REVIEWED, reason, &message, now);
        Ok(true)
    }

    /// Writes down the decision that stands in the request, whoever took it.
    async fn note(&self, request: &CertificateSigningRequest) -> Result<(), Error> {
        match trail::decision(request) {
            Some(decision) => Ok(self.context.log.record(decision).await?),
            None => Ok(()),
        }
    }

    async fn read(&self, name: &str) -> Result<Option<CertificateSigningRequest>, Error> {
        self.context
            .requests
            .get_opt(name)
            .await
            .during("read", title(name))
    }
}

/// How long until an undecided request is looked at again. The longer nobody has decided about it, the less often it
/// is: thousands may wait for a person, and each look asks every approver.
fn recheck(request: &CertificateSigningRequest, now: Timestamp) -> Duration {
    let created = request.creation_timestamp().map_or(now, |time| time.0);
    let age = Duration::try_from(now.duration_since(created)).unwrap_or_default();
    RECHECK.max(age / RECHECK_PART)
}

/// A request as messages name it.
pub(crate) fn title(name: &str) -> String {
    format!("CertificateSigningRequest {name}")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    #[test]
    fn who_waits_long_is_looked_at_less_often() {
        let now = Timestamp::now();
        let waiting_for = |minutes| {
            let mut request = CertificateSigningRequest::default();
            let created = now - SignedDuration::from_mins(minutes);
            request.metadata.creation_timestamp = Some(Time(created));
            recheck(&request, now).as_secs() / 60
        };
        // Of one that is from the future, too.
        assert_eq!([-5, 0, 20, 40, 240].map(waiting_for), [5, 5, 5, 10, 60]);
    }
}
