//! Approvers in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::{Finding, Verdict};
use slipway_plugin::extension::csr_approver::{Review, ReviewError, ReviewRequest};
use slipway_plugin::{CallStats, CsrApprover, Outside, PluginIdentity};

type Answer = dyn Fn(&ReviewRequest) -> Result<Verdict, ReviewError> + Send + Sync;

/// Answers with a function.
pub(crate) struct Scripted {
    identity: PluginIdentity,
    answer: Box<Answer>,
    pub(crate) calls: AtomicUsize,
}

pub(crate) fn scripted(
    name: &str,
    answer: impl Fn(&ReviewRequest) -> Result<Verdict, ReviewError> + Send + Sync + 'static,
) -> Arc<Scripted> {
    Arc::new(Scripted {
        identity: PluginIdentity {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            digest: Sha256Digest::of(name.as_bytes()),
            source: format!("test:{name}"),
            settings_digest: Sha256Digest::of(b"{}"),
            grants: Vec::new(),
        },
        answer: Box::new(answer),
        calls: AtomicUsize::new(0),
    })
}

pub(crate) fn approve() -> Arc<dyn CsrApprover> {
    scripted("approve", |_| Ok(Verdict::Approve))
}

pub(crate) fn deny() -> Arc<dyn CsrApprover> {
    scripted("deny", |_| {
        Ok(Verdict::Deny("not in the inventory".to_owned()))
    })
}

pub(crate) fn defer() -> Arc<dyn CsrApprover> {
    scripted("defer", |_| {
        Ok(Verdict::Defer("a person must decide".to_owned()))
    })
}

pub(crate) fn abstain() -> Arc<dyn CsrApprover> {
    scripted("abstain", |_| Ok(Verdict::Abstain))
}

pub(crate) fn fail() -> Arc<dyn CsrApprover> {
    scripted("fail", |_| {
        Err(ReviewError::Unavailable("the inventory is down".to_owned()))
    })
}

#[async_trait]
impl CsrApprover for Scripted {
    fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    async fn review(&self, request: &ReviewRequest, _: &Outside) -> Result<Review, ReviewError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let verdict = (self.answer)(request)?;
        Ok(Review {
            findings: vec![Finding::passed(
                "asked",
                format!("{} was asked about", request.node_name),
            )],
            verdict,
            stats: CallStats {
                duration: Duration::from_micros(50),
                memory_bytes: 65536,
            },
        })
    }
}
