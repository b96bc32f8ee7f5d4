//! The approvers that are asked about a request, all of them at once. How long each may take is among its own limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use slipway_config::finding::Verdict;
use slipway_config::redact;
use slipway_pki::decision::verdict::{self, Decision, Opinion};
use slipway_pki::guardrail::Guarded;
use slipway_plugin::extension::csr_approver::{Review, ReviewError, ReviewRequest};
use slipway_plugin::{CsrApprover, PluginIdentity};

use crate::cluster::GuardedCsr;
use crate::decision_log::PluginOpinion;
use crate::subject;

/// The approvers, in the order of the configuration.
#[derive(Clone, Default)]
pub struct Chain {
    enforced: Vec<Arc<dyn CsrApprover>>,
    shadow: Vec<Arc<dyn CsrApprover>>,
}

/// What all of them answered.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Those who decide.
    pub enforced: Vec<Answer>,
    /// Those who only look on.
    pub shadow: Vec<Answer>,
}

/// What one of them answered.
#[derive(Debug)]
pub struct Answer {
    /// Who it is.
    pub identity: PluginIdentity,
    /// What it said, or why it said nothing.
    pub review: Result<Review, String>,
    /// How long it took, waiting included.
    pub took: Duration,
}

impl Chain {
    /// A chain of approvers who decide.
    pub fn new(enforced: Vec<Arc<dyn CsrApprover>>) -> Self {
        Self {
            enforced,
            shadow: Vec::new(),
        }
    }

    /// The same chain with approvers who look on: they are asked, their disagreement is reported, and they decide
    /// nothing.
    #[must_use]
    pub fn with_shadow(self, shadow: Vec<Arc<dyn CsrApprover>>) -> Self {
        Self { shadow, ..self }
    }

    /// Whether anybody in it decides.
    pub(crate) fn decides(&self) -> bool {
        !self.enforced.is_empty()
    }

    /// What they say of a request that keeps the guardrails, and what is to be done with it if it is open; nothing where
    /// it is for a signer that is not served.
    pub(crate) async fn judge(
        &self,
        request: &CertificateSigningRequest,
        checked: &GuardedCsr,
        now: Timestamp,
    ) -> (Reviewed, Option<Decision>) {
        let reviewed = match &checked.guarded {
            Guarded::Passed(guarded) => {
                let asked = subject::review_request(request, guarded, checked.token.as_ref(), now);
                self.review(&asked).await
            }
            Guarded::Broken(_) | Guarded::Ignored => Reviewed::default(),
        };
        let decision = verdict::decide(
            verdict::Standing::Open,
            &checked.guarded,
            &reviewed.opinions(),
        );
        (reviewed, decision)
    }

    /// Asks all of them.
    pub async fn review(&self, request: &ReviewRequest) -> Reviewed {
        let ask = |approvers: &[Arc<dyn CsrApprover>]| {
            let approvers: Vec<_> = approvers.to_vec();
            async move {
                join_all(
                    approvers
                        .iter()
                        .map(|approver| answer(approver.as_ref(), request)),
                )
                .await
            }
        };
        let (enforced, shadow) = futures::join!(ask(&self.enforced), ask(&self.shadow));
        Reviewed { enforced, shadow }
    }
}

impl Reviewed {
    /// What counts.
    pub fn opinions(&self) -> Vec<Opinion> {
        let opinion = |answer: &Answer| Opinion {
            approver: answer.identity.name.clone(),
            answer: match &answer.review {
                Ok(review) => Ok(review.verdict.clone()),
                Err(error) => Err(error.clone()),
            },
        };
        self.enforced.iter().map(opinion).collect()
    }

    /// Everything for the decision log, what only looked on included and compared with `decision`.
    pub fn recorded(&self, decision: &Decision) -> Vec<PluginOpinion> {
        let enforced = self.enforced.iter().map(|answer| answer.recorded(None));
        let shadow = self
            .shadow
            .iter()
            .map(|answer| answer.recorded(Some(decision)));
        enforced.chain(shadow).collect()
    }
}

impl Answer {
    fn recorded(&self, compared_with: Option<&Decision>) -> PluginOpinion {
        let identity = &self.identity;
        let review = self.review.as_ref();
        PluginOpinion {
            plugin: identity.name.clone(),
            version: identity.version.clone(),
            digest: identity.digest,
            settings: identity.settings_digest,
            grants: identity.grants.clone(),
            shadow: compared_with.is_some(),
            disagrees: compared_with.is_some_and(|decision| self.disagrees(decision)),
            verdict: review.ok().map(|review| redact::verdict(&review.verdict)),
            error: review.err().map(|error| redact::text(error)),
            findings: review
                .map(|review| review.findings.iter().map(redact::finding).collect())
                .unwrap_or_default(),
            duration_us: u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// Whether this approver alone would have led elsewhere. One who abstains, or fails, says nothing about it.
    fn disagrees(&self, decision: &Decision) -> bool {
        match self.review.as_ref().map(|review| &review.verdict) {
            Err(_) | Ok(Verdict::Abstain) => false,
            Ok(Verdict::Approve) => !matches!(decision, Decision::Approved { .. }),
            Ok(Verdict::Deny(_)) => !matches!(decision, Decision::Denied(_)),
            Ok(Verdict::Defer(_)) => !matches!(decision, Decision::Pending { .. }),
        }
    }
}

async fn answer(approver: &dyn CsrApprover, request: &ReviewRequest) -> Answer {
    let began = Instant::now();
    let review = approver.review(request).await;
    Answer {
        identity: approver.identity().clone(),
        review: review.map_err(|error| describe(&error)),
        took: began.elapsed(),
    }
}

fn describe(error: &ReviewError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
