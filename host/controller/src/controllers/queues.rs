//! From what the watch on requests sees to what waits for the approver and, once it is approved, for the signer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_config::token::TokenId;

use super::tasks::WORKERS;
use crate::condition::{self, Standing};
use crate::queue::WorkQueue;
use crate::sharing::lock;
use crate::watch::{Cache, Seen};

/// Where requests wait, and what was seen of them last.
pub(super) struct RequestQueues {
    pub(super) approver: Arc<WorkQueue>,
    /// What is approved.
    pub(super) approved: Arc<WorkQueue>,
    seen: Mutex<HashMap<String, (Option<String>, Standing)>>,
}

impl Default for RequestQueues {
    fn default() -> Self {
        Self {
            approver: Arc::new(WorkQueue::new(WORKERS)),
            approved: Arc::new(WorkQueue::new(WORKERS)),
            seen: Mutex::default(),
        }
    }
}

impl RequestQueues {
    /// Puts a request into the queues when it is new or stands elsewhere than before: what we wrote into it ourselves
    /// must not cut its back-off short.
    pub(super) fn see(&self, seen: Seen<'_, CertificateSigningRequest>) {
        let mut last = lock(&self.seen);
        match seen {
            Seen::Changed(request) => {
                let name = request.name_any();
                let standing = (request.uid(), condition::standing(request));
                let before = last.insert(name.clone(), standing.clone());
                if before.as_ref() == Some(&standing) {
                    return;
                }
                let requester = request.spec.username.as_deref().unwrap_or_default();
                match standing.1 {
                    Standing::Open | Standing::Denied | Standing::Failed => {
                        self.approver.add(&name, requester)
                    }
                    Standing::Approved => self.approved.add(&name, requester),
                    // It was signed elsewhere before its approval was seen, or before there was anybody to see it.
                    Standing::Issued if before != Some((standing.0, Standing::Approved)) => {
                        self.approved.add(&name, requester);
                    }
                    Standing::Issued => {}
                }
            }
            Seen::Gone(request) => {
                let name = request.name_any();
                last.remove(&name);
                self.approver.forget(&name);
                self.approved.forget(&name);
            }
            Seen::Listed => {}
        }
    }
}

/// What is open and was asked through this token is looked at again.
pub(super) fn look_again(
    cache: &Cache<CertificateSigningRequest>,
    queue: &WorkQueue,
    id: &TokenId,
) {
    let user = id.user_name();
    add_open(cache, queue, |requester| requester == user);
}

/// Everything that is open is looked at again.
pub(super) fn look_at_all_again(cache: &Cache<CertificateSigningRequest>, queue: &WorkQueue) {
    add_open(cache, queue, |_| true);
}

fn add_open(
    cache: &Cache<CertificateSigningRequest>,
    queue: &WorkQueue,
    of_whom: impl Fn(&str) -> bool,
) {
    for request in cache.state() {
        let requester = request.spec.username.as_deref().unwrap_or_default();
        if of_whom(requester) && condition::standing(&request) == Standing::Open {
            queue.add(&request.name_any(), requester);
        }
    }
}
