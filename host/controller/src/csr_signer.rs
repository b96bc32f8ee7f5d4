//! The signer: from an approved request to a certificate in its status.
//!
//! Who approved does not matter: the guardrails are applied again, the name is claimed and the token's use is consumed,
//! and what does not hold gets no certificate. The use is consumed, and the intent is on disk, before the certificate
//! leaves this process.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use kube::api::PostParams;
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::{Finding, Outcome};
use slipway_config::redact;
use slipway_pki::ca::CertificateAuthority;
use slipway_pki::certificate::Certificate;
use slipway_pki::decision::signing;
use slipway_pki::guardrail::{Guarded, GuardedRequest, TokenFacts};

use crate::approver::title;
use crate::claims::Claimed;
use crate::condition::{self, FAILED, Standing};
use crate::context::Context;
use crate::decision_log::{Action, Entry, IssuedCertificate, Stage};
use crate::error::{During as _, Error};
use crate::foreign_signer::ForeignSigners;
use crate::queue::Next;
use crate::{measures, subject, trail};

/// Signs what is approved.
#[derive(Clone)]
pub(crate) struct CsrSigner {
    pub(crate) context: Context,
    pub(crate) authority: Arc<CertificateAuthority>,
    pub(crate) longest: Duration,
    pub(crate) foreign: ForeignSigners,
}

/// Why an approved request gets no certificate.
struct Refused {
    /// For programs.
    reason: &'static str,
    /// For people.
    message: String,
    findings: Vec<Finding>,
}

impl CsrSigner {
    /// Works on the request of this name.
    pub(crate) async fn handle(&self, name: &str) -> Next {
        match self.look(name).await {
            Ok(()) => Next::Done,
            Err(error) if error.is_conflict() => Next::Retry,
            Err(error) => {
                tracing::warn!(
                    request = name,
                    error = &error as &dyn std::error::Error,
                    "a request could not be signed"
                );
                Next::Retry
            }
        }
    }

    async fn look(&self, name: &str) -> Result<(), Error> {
        match self.context.cache.get(name) {
            Some(request) if condition::standing(&request) == Standing::Approved => {
                self.serve(request).await
            }
            _ => Ok(()),
        }
    }

    /// Nothing is signed before the log says who approved it.
    async fn serve(&self, request: CertificateSigningRequest) -> Result<(), Error> {
        if let Some(approval) = trail::decision(&request) {
            self.context.log.record(approval).await?;
        }
        let checked = self
            .context
            .guard
            .check(&request, &self.context.policy.current().cluster)
            .await?;
        let guarded = match &checked.guarded {
            Guarded::Ignored => return Ok(()),
            Guarded::Broken(findings) => {
                return self.refuse(request, Refused::broken(findings)).await;
            }
            Guarded::Passed(guarded) => guarded,
        };
        let certificate = self.sign(guarded)?;
        if let Some(refused) = self.take(&request, guarded, checked.token.as_ref()).await? {
            return self.refuse(request, refused).await;
        }
        self.deliver(request, guarded, &certificate).await
    }

    fn sign(&self, guarded: &GuardedRequest) -> Result<Certificate, Error> {
        let validity = signing::validity(
            (self.context.clock)(),
            guarded.expiration_seconds(),
            self.longest,
            self.authority.validity(),
        )?;
        Ok(self.authority.sign_node(guarded, validity)?)
    }

    /// Takes the name and the token's use for this request, or says why it cannot have them.
    async fn take(
        &self,
        request: &CertificateSigningRequest,
        guarded: &GuardedRequest,
        token: Option<&TokenFacts>,
    ) -> Result<Option<Refused>, Error> {
        let now = (self.context.clock)();
        if let Some(wanted) = subject::claim(request, guarded, token, now)
            && let Claimed::Another(finding) = self.context.claims.acquire(&wanted).await?
        {
            return Ok(Some(Refused {
                reason: "NodeNameClaimed",
                message: finding.seen.clone(),
                findings: vec![finding],
            }));
        }
        if let Some(wanted) = subject::token_use(request, guarded, token, now)
            && let Err(refusal) = self.context.ledgers.consume(&wanted).await?
        {
            let message = format!("the token may not be used for this: {refusal}");
            return Ok(Some(Refused {
                reason: "TokenRefused",
                findings: vec![Finding::failed("token-bounds", &message)],
                message,
            }));
        }
        Ok(None)
    }

    async fn deliver(
        &self,
        mut request: CertificateSigningRequest,
        guarded: &GuardedRequest,
        certificate: &Certificate,
    ) -> Result<(), Error> {
        let entry = Entry {
            stage: Stage::Intent,
            action: Action::Sign,
            reason: format!(
                "a certificate for {} until {}",
                guarded.node(),
                certificate.not_after()
            ),
            by: None,
            subject: subject::recorded_as(&request, Some(guarded.request())),
            guardrails: guarded.findings().iter().map(redact::finding).collect(),
            opinions: Vec::new(),
            certificate: Some(IssuedCertificate {
                digest: Sha256Digest::of(certificate.der()),
                serial_number: certificate.serial_number(),
                not_before: certificate.not_before(),
                not_after: certificate.not_after(),
            }),
            recording: None,
        };
        self.context.log.record(entry.clone()).await?;
        let pem = certificate.to_pem()?;
        self.foreign.expect(&request, pem.as_bytes());
        request.status.get_or_insert_default().certificate = Some(ByteString(pem.into_bytes()));
        self.write_status(&request).await?;
        tracing::info!(request = request.name_any(), node = %guarded.node(), "a certificate was issued");
        measures::issued();
        self.note_done(entry).await;
        Ok(())
    }

    async fn refuse(
        &self,
        mut request: CertificateSigningRequest,
        refused: Refused,
    ) -> Result<(), Error> {
        let message = redact::text(&refused.message);
        let entry = Entry {
            stage: Stage::Intent,
            action: Action::RefuseToSign,
            reason: message.clone(),
            by: None,
            subject: subject::recorded(&request),
            guardrails: refused.findings.iter().map(redact::finding).collect(),
            opinions: Vec::new(),
            certificate: None,
            recording: None,
        };
        self.context.log.record(entry.clone()).await?;
        condition::put(
            &mut request,
            FAILED,
            "True",
            refused.reason,
            &message,
            (self.context.clock)(),
        );
        self.write_status(&request).await?;
        let now = (self.context.clock)();
        self.context
            .announcer
            .tell(&request, FAILED, refused.reason, &message, now);
        tracing::warn!(
            request = request.name_any(),
            message,
            "an approved request gets no certificate"
        );
        measures::refused();
        self.note_done(entry).await;
        Ok(())
    }

    async fn write_status(&self, request: &CertificateSigningRequest) -> Result<(), Error> {
        let name = request.name_any();
        self.context
            .requests
            .replace_status(&name, &PostParams::default(), request)
            .await
            .during("update the status of", title(&name))
            .map(drop)
    }

    /// The act is done, whether or not this can be noted.
    async fn note_done(&self, entry: Entry) {
        let done = Entry {
            stage: Stage::Done,
            guardrails: Vec::new(),
            ..entry
        };
        if let Err(error) = self.context.log.record(done).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "that a request was served could not be noted"
            );
        }
    }
}

impl Refused {
    fn broken(findings: &[Finding]) -> Self {
        let broken = findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Failed);
        let texts: Vec<_> = broken
            .map(|finding| format!("{}: {}", finding.rule, finding.seen))
            .collect();
        Self {
            reason: "GuardrailBroken",
            message: texts.join("; "),
            findings: findings.to_vec(),
        }
    }
}
