//! CSR approvers.

use async_trait::async_trait;
use jiff::Timestamp;
use slipway_config::finding::Verdict;

use super::{findings, mismatch};
use crate::bindings::export::csr_approver as guest;
use crate::call::Inputs;
use crate::extension::csr_approver::{
    CsrApprover, Requester, Review, ReviewError, ReviewRequest, TokenFacts,
};
use crate::load::Plugin;
use crate::text::one_line;
use crate::{LoadError, Outside, PluginIdentity};

/// A component that approves.
pub(crate) struct WasmApprover {
    plugin: Plugin,
    guest: guest::GuestIndices,
}

impl WasmApprover {
    pub(crate) fn new(plugin: Plugin) -> Result<Self, LoadError> {
        let guest = guest::GuestIndices::new(&plugin.callable.instance)
            .map_err(|error| mismatch(&plugin, &error))?;
        Ok(Self { plugin, guest })
    }
}

#[async_trait]
impl CsrApprover for WasmApprover {
    fn identity(&self) -> &PluginIdentity {
        &self.plugin.identity
    }

    async fn review(
        &self,
        request: &ReviewRequest,
        outside: &Outside,
    ) -> Result<Review, ReviewError> {
        let inputs = Inputs {
            outside: Some(outside.clone()),
            ..Inputs::default()
        };
        let request = guest::CertificateRequest::from(request);
        let indices = self.guest.clone();
        let called = self
            .plugin
            .callable
            .call(inputs, move |store, instance| {
                Box::pin(async move {
                    let guest = indices.load(&mut *store, instance)?;
                    guest.call_review(&mut *store, &request).await
                })
            })
            .await
            .map_err(ReviewError::Failed)?;
        match called.answer {
            Ok(assessment) => Ok(Review {
                verdict: verdict(assessment.verdict),
                findings: findings::from_guest(assessment.findings),
                stats: called.stats,
            }),
            Err(guest::ReviewError::Unavailable(text)) => {
                Err(ReviewError::Unavailable(one_line(&text)))
            }
            Err(guest::ReviewError::Other(text)) => Err(ReviewError::Other(one_line(&text))),
        }
    }
}

fn verdict(verdict: guest::Verdict) -> Verdict {
    match verdict {
        guest::Verdict::Approve => Verdict::Approve,
        guest::Verdict::Deny(reason) => Verdict::Deny(one_line(&reason)),
        guest::Verdict::Defer(reason) => Verdict::Defer(one_line(&reason)),
        guest::Verdict::Abstain => Verdict::Abstain,
    }
}

impl From<&ReviewRequest> for guest::CertificateRequest {
    fn from(request: &ReviewRequest) -> Self {
        Self {
            name: request.name.clone(),
            uid: request.uid.clone(),
            signer_name: request.signer_name.clone(),
            node_name: request.node_name.to_string(),
            usages: request.usages.clone(),
            alternative_names: guest::SubjectAlternativeNames {
                dns: request.dns_names.clone(),
                ip: request
                    .ip_addresses
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            key_algorithm: request.key_algorithm.clone(),
            key_fingerprint: request.key_fingerprint.clone(),
            expiration_seconds: request.expiration_seconds,
            der: request.der.clone(),
            requester: (&request.requester).into(),
            token: request.token.as_ref().map(Into::into),
            created: seconds(request.created),
            rejoins: request.rejoins,
        }
    }
}

impl From<&Requester> for guest::Requester {
    fn from(requester: &Requester) -> Self {
        Self {
            username: requester.username.clone(),
            groups: requester.groups.clone(),
            extra: requester
                .extra
                .iter()
                .map(|(name, values)| guest::Entry {
                    name: name.clone(),
                    values: values.clone(),
                })
                .collect(),
        }
    }
}

impl From<&TokenFacts> for guest::TokenBounds {
    fn from(token: &TokenFacts) -> Self {
        Self {
            id: token.id.to_string(),
            node: token.node.as_ref().map(ToString::to_string),
            uses: token.uses,
            uses_left: token.uses_left,
            expires: token.expires.map(seconds),
        }
    }
}

/// Seconds since 1970; what lies before is at its beginning.
fn seconds(time: Timestamp) -> u64 {
    time.as_second().try_into().unwrap_or_default()
}
