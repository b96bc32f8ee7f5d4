//! What decides about requests, exchanged as a whole: whoever judges a request does so by the old policy or by the new one.

use std::sync::Arc;

use tokio::sync::watch;

use crate::chain::Chain;
use crate::cluster::ClusterSettings;

/// What decides about requests.
#[derive(Clone, Default)]
pub struct Policy {
    /// The approvers.
    pub chain: Chain,
    /// What the operator says about the cluster.
    pub cluster: ClusterSettings,
}

/// The policy that is in force; clones share it.
#[derive(Clone)]
pub struct PolicyInForce(Arc<watch::Sender<Arc<Policy>>>);

impl PolicyInForce {
    /// From now on this one.
    pub fn replace(&self, policy: Policy) {
        self.0.send_replace(Arc::new(policy));
    }

    /// Whether there is an approver whose word counts: somebody who approves besides would get around it.
    pub fn enforces(&self) -> bool {
        self.current().chain.decides()
    }

    /// The one for a whole judgement.
    pub(crate) fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells of each that comes after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Policy>> {
        self.0.subscribe()
    }
}

impl From<Policy> for PolicyInForce {
    fn from(policy: Policy) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(policy))))
    }
}

impl From<Chain> for PolicyInForce {
    /// These approvers in a cluster of which nothing more is said.
    fn from(chain: Chain) -> Self {
        Policy {
            chain,
            ..Policy::default()
        }
        .into()
    }
}
