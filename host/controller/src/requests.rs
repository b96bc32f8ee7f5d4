//! What a person does with certificate signing requests: list, look, approve, deny, watch.

mod details;
mod explanation;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, PostParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use slipway_config::finding::{Finding, Outcome};
use slipway_pki::guardrail::Guarded;
use thiserror::Error;

pub use self::details::{ParsedRequest, RequestDetails, RequestSummary};
pub use self::explanation::Explanation;
use crate::approver::title;
use crate::claims::Claims;
use crate::cluster::{ClusterSettings, Guard, GuardedCsr};
use crate::condition::{self, APPROVED, DENIED, Standing};
use crate::error::{During as _, Error};
use crate::ledger::Ledgers;
use crate::subject;
use crate::system::{Clock, system_clock};
use slipway_config::redact;

/// Works on requests, with nothing but a client.
#[derive(Clone)]
pub struct Requests {
    requests: Api<CertificateSigningRequest>,
    client: kube::Client,
    settings: ClusterSettings,
    clock: Clock,
}

/// A change of a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase", tag = "change", content = "request")]
pub enum RequestChange {
    /// It is there, and may be new or different.
    Changed(Box<RequestSummary>),
    /// It was deleted.
    Deleted(Box<RequestSummary>),
}

/// Why a request could not be shown or decided.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is none of this name.
    #[error("there is no certificate signing request {0:?}")]
    NotFound(String),
    /// It is decided already, which is final.
    #[error("the request {name} is {} already, and that is final", standing.as_str())]
    Decided {
        /// The request.
        name: String,
        /// Where it stands.
        standing: Standing,
    },
    /// It is for a signer that is not a node's.
    #[error("the request {name} is for the signer {signer}, which Slipway does not serve")]
    NotOurs {
        /// The request.
        name: String,
        /// The signer.
        signer: String,
    },
    /// It breaks a rule that nobody can waive: a certificate would be refused.
    #[error("the request {name} cannot be approved: {}", failed(findings))]
    Guardrails {
        /// The request.
        name: String,
        /// What the guardrails found, broken rules first.
        findings: Vec<Finding>,
    },
    /// Another key has the name.
    #[error("the request {name} cannot be approved: {}", finding.seen)]
    NameClaimed {
        /// The request.
        name: String,
        /// What stands in the way, and what to do about it.
        finding: Finding,
    },
    /// The API did not do its part.
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// Attempts against others who change the same request.
const ATTEMPTS: usize = 5;

impl Requests {
    /// Over this client.
    pub fn new(client: kube::Client) -> Self {
        Self {
            requests: Api::all(client.clone()),
            client,
            settings: ClusterSettings::default(),
            clock: system_clock(),
        }
    }

    /// With what the operator says about the cluster, which the guardrails take into account.
    #[must_use]
    pub fn settings(self, settings: ClusterSettings) -> Self {
        Self { settings, ..self }
    }

    /// All requests, the oldest first.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn list(&self) -> Result<Vec<RequestSummary>, Error> {
        let found = self
            .requests
            .list(&ListParams::default())
            .await
            .during("list", "CertificateSigningRequests")?;
        let mut requests: Vec<_> = found.items.iter().map(RequestSummary::of).collect();
        requests.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Ok(requests)
    }

    /// One request with everything that can be found out about it now. Nothing is written.
    ///
    /// # Errors
    /// [`RequestError::NotFound`]; otherwise when the API does not answer.
    pub async fn show(&self, name: &str) -> Result<RequestDetails, RequestError> {
        let request = self.get(name).await?;
        let (checked, claim) = self.look(&request).await?;
        Ok(RequestDetails::of(&request, &checked.guarded, claim))
    }

    /// Approves a request for `by`, a person. The guardrails are applied first, so that what would be refused
    /// afterwards is said at once.
    ///
    /// # Errors
    /// Why it cannot be approved.
    pub async fn approve(&self, name: &str, by: &str) -> Result<RequestSummary, RequestError> {
        let message = format!("approved by {}", redact::text(by));
        for _ in 0..ATTEMPTS {
            let request = self.open(name).await?;
            self.allowed(name, &request).await?;
            if let Some(decided) = self
                .decide(request, APPROVED, "SlipwayApprove", &message)
                .await?
            {
                return Ok(decided);
            }
        }
        Err(contended(name).into())
    }

    /// Denies a request for `by`, a person, who may say why.
    ///
    /// # Errors
    /// Why it cannot be denied.
    pub async fn deny(
        &self,
        name: &str,
        by: &str,
        reason: Option<&str>,
    ) -> Result<RequestSummary, RequestError> {
        let by = redact::text(by);
        let message = match reason {
            Some(reason) => format!("denied by {by}: {}", redact::text(reason)),
            None => format!("denied by {by}"),
        };
        for _ in 0..ATTEMPTS {
            let request = self.open(name).await?;
            if let Some(decided) = self
                .decide(request, DENIED, "SlipwayDeny", &message)
                .await?
            {
                return Ok(decided);
            }
        }
        Err(contended(name).into())
    }

    /// Changes as they come, after everything that is there. A watch that breaks is taken up again by asking for the
    /// next change; what was there may then be seen twice.
    pub fn watch(
        &self,
    ) -> impl Stream<Item = Result<RequestChange, watcher::Error>> + Send + use<> {
        watcher(self.requests.clone(), watcher::Config::default())
            .default_backoff()
            .filter_map(|event| async {
                match event {
                    Ok(Event::Apply(request) | Event::InitApply(request)) => Some(Ok(
                        RequestChange::Changed(Box::new(RequestSummary::of(&request))),
                    )),
                    Ok(Event::Delete(request)) => Some(Ok(RequestChange::Deleted(Box::new(
                        RequestSummary::of(&request),
                    )))),
                    Ok(Event::Init | Event::InitDone) => None,
                    Err(error) => Some(Err(error)),
                }
            })
    }

    /// What the guardrails say, and for one that is open whether another key has the name.
    async fn look(
        &self,
        request: &CertificateSigningRequest,
    ) -> Result<(GuardedCsr, Option<Finding>), Error> {
        let checked = self.guard().look(request, &self.settings).await?;
        let claim = match condition::standing(request) {
            Standing::Open => self.claim_of_another(request, &checked).await?,
            _ => None,
        };
        Ok((checked, claim))
    }

    async fn allowed(
        &self,
        name: &str,
        request: &CertificateSigningRequest,
    ) -> Result<(), RequestError> {
        let checked = self.guard().check(request, &self.settings).await?;
        match &checked.guarded {
            Guarded::Passed(_) => {}
            Guarded::Broken(findings) => {
                return Err(RequestError::Guardrails {
                    name: name.to_owned(),
                    findings: findings.clone(),
                });
            }
            Guarded::Ignored => {
                return Err(RequestError::NotOurs {
                    name: name.to_owned(),
                    signer: request.spec.signer_name.clone(),
                });
            }
        }
        match self.claim_of_another(request, &checked).await? {
            None => Ok(()),
            Some(finding) => Err(RequestError::NameClaimed {
                name: name.to_owned(),
                finding,
            }),
        }
    }

    /// Whether another key has the name that the request asks for.
    async fn claim_of_another(
        &self,
        request: &CertificateSigningRequest,
        checked: &GuardedCsr,
    ) -> Result<Option<Finding>, Error> {
        let Guarded::Passed(guarded) = &checked.guarded else {
            return Ok(None);
        };
        let token = checked.token.as_ref();
        let Some(wanted) = subject::claim(request, guarded, token, (self.clock)()) else {
            return Ok(None);
        };
        let claims = Claims::new(self.client.clone(), self.ledgers(), self.clock.clone());
        Ok(claims.look(&wanted).await?.by_another())
    }

    /// Writes a decision. None where somebody changed the request in between.
    async fn decide(
        &self,
        mut request: CertificateSigningRequest,
        type_: &str,
        reason: &str,
        message: &str,
    ) -> Result<Option<RequestSummary>, Error> {
        condition::put(&mut request, type_, "True", reason, message, (self.clock)());
        let name = request.name_any();
        let written = self
            .requests
            .replace_subresource("approval", &name, &PostParams::default(), &request)
            .await
            .during("update the approval of", title(&name));
        match written {
            Ok(request) => Ok(Some(RequestSummary::of(&request))),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A request that is not decided.
    async fn open(&self, name: &str) -> Result<CertificateSigningRequest, RequestError> {
        let request = self.get(name).await?;
        match condition::standing(&request) {
            Standing::Open => Ok(request),
            standing => Err(RequestError::Decided {
                name: name.to_owned(),
                standing,
            }),
        }
    }

    async fn get(&self, name: &str) -> Result<CertificateSigningRequest, RequestError> {
        let request = self
            .requests
            .get_opt(name)
            .await
            .during("read", title(name))?;
        request.ok_or_else(|| RequestError::NotFound(name.to_owned()))
    }

    fn guard(&self) -> Guard {
        Guard::new(self.client.clone(), self.ledgers(), self.clock.clone())
    }

    fn ledgers(&self) -> Ledgers {
        Ledgers::new(self.client.clone(), self.clock.clone())
    }
}

fn contended(name: &str) -> Error {
    Error::Contended {
        object: title(name),
        attempts: ATTEMPTS,
    }
}

fn failed(findings: &[Finding]) -> String {
    let failed = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Failed);
    failed
        .map(|finding| finding.seen.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}
