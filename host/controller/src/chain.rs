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
use slipway_plugin::{CsrApprover, Outside, PluginIdentity, Question, Recording};

use crate::cluster::GuardedCsr;
use crate::decision_log::{Case, Learned, PluginOpinion};
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
    /// What they were asked.
    pub request: Option<ReviewRequest>,
    /// Why no approval of theirs is enough, where a person has to decide.
    pub deferral: Option<String>,
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
    /// What it learned of the outside; none where that is not noted.
    pub learned: Option<Recording>,
    /// What it asked in a replay that was not asked then.
    pub missed: Vec<Question>,
}

/// Where approvers learn what they have to know beside the request.
#[derive(Debug, Clone, Copy)]
pub enum Sight<'a> {
    /// They ask.
    Live,
    /// They ask, and it is noted.
    Noted,
    /// They are told what was noted.
    Replayed(&'a Case),
}

impl Sight<'_> {
    fn of(&self, approver: &PluginIdentity) -> Outside {
        match self {
            Self::Live => Outside::live(),
            Self::Noted => Outside::noted(),
            Self::Replayed(case) => Outside::replayed(case.recordings_for(&approver.name)),
        }
    }
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
    pub async fn judge(
        &self,
        request: &CertificateSigningRequest,
        checked: &GuardedCsr,
        now: Timestamp,
        sight: Sight<'_>,
    ) -> (Reviewed, Option<Decision>) {
        let reviewed = match &checked.guarded {
            Guarded::Passed(guarded) => {
                let asked = subject::review_request(request, guarded, checked.token.as_ref(), now);
                Reviewed {
                    deferral: guarded.deferral().map(ToOwned::to_owned),
                    ..self.review(asked, sight).await
                }
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
    pub(crate) async fn review(&self, request: ReviewRequest, sight: Sight<'_>) -> Reviewed {
        let ask = |approvers: &[Arc<dyn CsrApprover>]| {
            let approvers = approvers.to_vec();
            let request = &request;
            async move {
                let answers = approvers.iter().map(|approver| {
                    let outside = sight.of(approver.identity());
                    answer(approver.as_ref(), request, outside)
                });
                join_all(answers).await
            }
        };
        let (enforced, shadow) = futures::join!(ask(&self.enforced), ask(&self.shadow));
        Reviewed {
            enforced,
            shadow,
            request: Some(request),
            deferral: None,
        }
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

    /// What the answers rest upon, so that the same can be asked again; none where it was not noted whole.
    pub fn case(&self) -> Option<Case> {
        let request = self.request.clone()?;
        let answers = self.enforced.iter().chain(&self.shadow);
        let learned = answers.map(|answer| {
            Some(Learned {
                plugin: answer.identity.name.clone(),
                answers: answer.learned.clone()?,
            })
        });
        Some(Case {
            request,
            deferral: self.deferral.clone(),
            learned: learned.collect::<Option<_>>()?,
        })
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
    /// Whether what it says counts for nothing, since something that it asks for was not recorded.
    pub(crate) fn is_unrecorded(&self) -> bool {
        !self.missed.is_empty()
    }

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

async fn answer(approver: &dyn CsrApprover, request: &ReviewRequest, outside: Outside) -> Answer {
    let began = Instant::now();
    let review = approver.review(request, &outside).await;
    let took = began.elapsed();
    let missed = outside.missed();
    Answer {
        identity: approver.identity().clone(),
        review: match missed.is_empty() {
            true => review.map_err(|error| describe(&error)),
            false => Err(unrecorded(&missed)),
        },
        took,
        learned: outside.recording(),
        missed,
    }
}

/// What a plugin says that did not learn what it asked for counts for nothing.
fn unrecorded(missed: &[Question]) -> String {
    let missed: Vec<_> = missed.iter().map(ToString::to_string).collect();
    format!("it asks for what was not asked then: {}", missed.join("; "))
}

fn describe(error: &ReviewError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
