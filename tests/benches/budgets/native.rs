//! A bundled plugin without its sandbox: the same crate, compiled into this program and made from its settings once. It is what
//! a decision would cost if policies were native code.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::{self, Finding};
use slipway_plugin::extension::csr_approver::{Review, ReviewError, ReviewRequest};
use slipway_plugin::{CallStats, CsrApprover, Outside, PluginIdentity};
use slipway_sdk::Outcome;
use slipway_sdk::csr_approver as sdk;

/// A plugin that is asked in this process.
pub(crate) struct Native<P> {
    identity: PluginIdentity,
    plugin: P,
}

impl<P: sdk::CsrApprover> Native<P> {
    pub(crate) fn new(name: &str, settings: Value) -> Self {
        let identity = PluginIdentity {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: Sha256Digest::of(name.as_bytes()),
            source: format!("native:{name}"),
            settings_digest: Sha256Digest::of(settings.to_string().as_bytes()),
            grants: Vec::new(),
        };
        let settings = serde_json::from_value(settings).expect("settings");
        let plugin = P::configure(settings).expect("settings that make sense");
        Self { identity, plugin }
    }
}

#[async_trait]
impl<P: sdk::CsrApprover + Send + Sync> CsrApprover for Native<P> {
    fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    async fn review(&self, request: &ReviewRequest, _: &Outside) -> Result<Review, ReviewError> {
        let begun = Instant::now();
        let review = self.plugin.review(&asked(request));
        let review = review.map_err(|error| ReviewError::Other(error.to_string()))?;
        Ok(Review {
            verdict: verdict(review.verdict),
            findings: review.findings.into_iter().map(finding).collect(),
            stats: CallStats {
                duration: begun.elapsed(),
                memory_bytes: 0,
            },
        })
    }
}

fn asked(request: &ReviewRequest) -> sdk::CertificateRequest {
    sdk::CertificateRequest {
        name: request.name.clone(),
        uid: request.uid.clone(),
        signer_name: request.signer_name.clone(),
        node_name: request.node_name.to_string(),
        usages: request.usages.clone(),
        dns_names: request.dns_names.clone(),
        ip_addresses: request.ip_addresses.clone(),
        key_algorithm: request.key_algorithm.clone(),
        key_fingerprint: request.key_fingerprint.clone(),
        expiration: request
            .expiration_seconds
            .map(|seconds| Duration::from_secs(seconds.into())),
        der: request.der.clone(),
        requester: sdk::Requester {
            username: request.requester.username.clone(),
            groups: request.requester.groups.clone(),
            extra: request.requester.extra.clone().into_iter().collect(),
        },
        token: request.token.as_ref().map(|token| sdk::TokenFacts {
            id: token.id.to_string(),
            node: token.node.as_ref().map(ToString::to_string),
            uses: token.uses,
            uses_left: token.uses_left,
            expires: token.expires.map(time),
        }),
        created: time(request.created),
        rejoins: request.rejoins,
    }
}

fn time(time: Timestamp) -> SystemTime {
    time.into()
}

fn verdict(verdict: sdk::Verdict) -> finding::Verdict {
    match verdict {
        sdk::Verdict::Approve => finding::Verdict::Approve,
        sdk::Verdict::Deny(reason) => finding::Verdict::Deny(reason),
        sdk::Verdict::Defer(reason) => finding::Verdict::Defer(reason),
        sdk::Verdict::Abstain => finding::Verdict::Abstain,
    }
}

fn finding(applied: slipway_sdk::Finding) -> Finding {
    Finding {
        rule: applied.rule,
        outcome: match applied.outcome {
            Outcome::Passed => finding::Outcome::Passed,
            Outcome::Failed => finding::Outcome::Failed,
            Outcome::Skipped => finding::Outcome::Skipped,
        },
        seen: applied.seen,
        fix: applied.fix,
    }
}
