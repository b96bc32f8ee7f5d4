//! Garbage collection of certificate signing requests: what is decided goes after an hour, what nobody decides after a
//! day, what is issued when its certificate has expired. Requests to signers that are not configured are left alone.
//!
//! Source of the times: Kubernetes, `pkg/controller/certificates/cleaner/cleaner.go`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::{Api, DeleteParams, Preconditions};
use slipway_pki::certificate::Certificate;
use tokio_util::sync::CancellationToken;

use crate::condition::{self, APPROVED, DENIED, FAILED, Standing};
use crate::error::{During as _, Error};
use crate::policy::PolicyInForce;
use crate::system::{Clock, later};
use crate::watch::Cache;

/// How long a decided request is kept.
const DECIDED: Duration = Duration::from_secs(3600);
/// How long one is kept that nobody decides.
const PENDING: Duration = Duration::from_secs(24 * 3600);
/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(60);

/// Deletes requests that are over.
pub(crate) struct CsrCleaner {
    pub(crate) client: kube::Client,
    pub(crate) policy: PolicyInForce,
    pub(crate) clock: Clock,
    pub(crate) cache: Cache<CertificateSigningRequest>,
}

impl CsrCleaner {
    /// Cleans until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        if !self.cache.is_filled(&shutdown).await {
            return;
        }
        loop {
            if let Err(error) = self.clean().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old certificate signing requests could not be deleted"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn clean(&self) -> Result<(), Error> {
        let requests: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        let now = (self.clock)();
        let policy = self.policy.current();
        for request in self.cache.state() {
            if !policy.cluster.is_ours(&request) || !is_over(&request, now) {
                continue;
            }
            let name = request.metadata.name.as_deref().unwrap_or_default();
            let as_seen = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: request.metadata.uid.clone(),
                    resource_version: request.metadata.resource_version.clone(),
                }),
                ..DeleteParams::default()
            };
            let deleted = requests
                .delete(name, &as_seen)
                .await
                .during("delete", format_args!("CertificateSigningRequest {name}"));
            match deleted {
                Ok(_) => tracing::info!(
                    request = name,
                    "an old certificate signing request was deleted"
                ),
                Err(error) if error.is_conflict() || error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether a request is of no use any more.
fn is_over(request: &CertificateSigningRequest, now: Timestamp) -> bool {
    let older = |than: Duration, since: Option<Timestamp>| {
        since.is_some_and(|since| later(since, than) <= now)
    };
    let decided = |type_: &str| {
        let decided = condition::find(request, type_);
        older(DECIDED, decided.and_then(condition::time_of))
    };
    match condition::standing(request) {
        Standing::Open => older(
            PENDING,
            request
                .metadata
                .creation_timestamp
                .as_ref()
                .map(|time| time.0),
        ),
        Standing::Denied => decided(DENIED),
        Standing::Failed => decided(FAILED),
        Standing::Approved => decided(APPROVED),
        Standing::Issued => decided(APPROVED) || has_expired(request, now),
    }
}

fn has_expired(request: &CertificateSigningRequest, now: Timestamp) -> bool {
    let certificate = request
        .status
        .as_ref()
        .and_then(|status| status.certificate.as_ref());
    certificate
        .and_then(|pem| str::from_utf8(&pem.0).ok())
        .and_then(|pem| Certificate::list_from_pem(pem).ok())
        .and_then(|certificates| certificates.into_iter().next())
        .is_some_and(|certificate| certificate.not_after() < now)
}

#[cfg(test)]
mod tests;
