//! What whoever works on requests works with.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::Api;

use crate::announcer::Announcer;
use crate::claims::Claims;
use crate::cluster::Guard;
use crate::decision_log::DecisionLog;
use crate::ledger::Ledgers;
use crate::policy::PolicyInForce;
use crate::system::Clock;
use crate::watch::Cache;

/// Where requests are read and written, what is decided by, and where it is written down. Clones share it.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) requests: Api<CertificateSigningRequest>,
    pub(crate) cache: Cache<CertificateSigningRequest>,
    pub(crate) guard: Guard,
    pub(crate) policy: PolicyInForce,
    pub(crate) claims: Claims,
    pub(crate) ledgers: Ledgers,
    pub(crate) log: DecisionLog,
    pub(crate) announcer: Announcer,
    pub(crate) clock: Clock,
}
