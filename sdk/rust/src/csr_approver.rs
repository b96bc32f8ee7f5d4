//! CSR approvers: whether a node gets the identity that it asks for.
//!
//! The host has checked the guardrails before it asks and checks them again before it signs; an approver can only
//! narrow.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use crate::bindings::csr_approver::exports::slipway::plugin::csr_approver as wit;
use crate::export::{self, Exported};
use crate::settings::SettingErrors;
use crate::{Finding, Plugin};

/// The signer of client certificates of kubelets.
pub const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// The signer of serving certificates of kubelets.
pub const SERVING_SIGNER: &str = "kubernetes.io/kubelet-serving";

/// Judges certificate signing requests. Export it with [`export_csr_approver!`](crate::export_csr_approver).
pub trait CsrApprover: Plugin {
    /// Reviews a request.
    ///
    /// # Errors
    /// There is no verdict. An error is retried, and never a denial.
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError>;
}

/// A request that passed the guardrails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The object's name.
    pub name: String,
    /// The object's UID.
    pub uid: String,
    /// The signer: [`CLIENT_SIGNER`], [`SERVING_SIGNER`].
    pub signer_name: String,
    /// The node's name, from the subject.
    pub node_name: String,
    /// The usages, as the API names them: `digital signature`.
    pub usages: Vec<String>,
    /// DNS names that the certificate should carry; none for a client certificate.
    pub dns_names: Vec<String>,
    /// IP addresses that the certificate should carry; none for a client certificate.
    pub ip_addresses: Vec<IpAddr>,
    /// Key type and size: `ECDSA P-256`.
    pub key_algorithm: String,
    /// SHA-256 over the public key's SubjectPublicKeyInfo, in hex.
    pub key_fingerprint: String,
    /// The lifetime asked for, if any.
    pub expiration: Option<Duration>,
    /// The PKCS#10 request as submitted, DER.
    pub der: Vec<u8>,
    /// Who asks.
    pub requester: Requester,
    /// The token that was used to ask, where one was.
    pub token: Option<TokenFacts>,
    /// When the object was created.
    pub created: SystemTime,
    /// Whether a new identity is asked for in the name of a node that exists already; by a token only where the operator
    /// allows it for this name.
    pub rejoins: bool,
}

impl CertificateRequest {
    /// Whether this asks for a client certificate of a kubelet.
    pub fn is_for_client(&self) -> bool {
        self.signer_name == CLIENT_SIGNER
    }

    /// Whether this asks for a serving certificate of a kubelet.
    pub fn is_for_serving(&self) -> bool {
        self.signer_name == SERVING_SIGNER
    }

    /// Whether the node itself asks, with the identity that it already has.
    pub fn is_from_the_node_itself(&self) -> bool {
        self.requester.node_name() == Some(self.node_name.as_str())
    }
}

/// Who submitted a request, as the API server authenticated it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requester {
    /// `system:bootstrap:abcdef`, `system:node:worker-1`.
    pub username: String,
    /// Groups, as the API server gave them.
    pub groups: Vec<String>,
    /// Extra attributes: names and their values.
    pub extra: Vec<(String, Vec<String>)>,
}

impl Requester {
    /// The name of the node that asks, where it is one: it has a node's name and is in the group of nodes.
    pub fn node_name(&self) -> Option<&str> {
        self.username
            .strip_prefix("system:node:")
            .filter(|_| self.is_in("system:nodes"))
    }

    /// The ID of the bootstrap token that asks, where one does.
    pub fn token_id(&self) -> Option<&str> {
        self.username
            .strip_prefix("system:bootstrap:")
            .filter(|_| self.is_in("system:bootstrappers"))
    }

    /// Whether the requester is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|present| present == group)
    }
}

/// The public part of a token and its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// The token's ID.
    pub id: String,
    /// The only node that may use it, if bound to one.
    pub node: Option<String>,
    /// How often it may be used in all, if limited.
    pub uses: Option<u32>,
    /// How many uses are left, if limited.
    pub uses_left: Option<u32>,
    /// When it expires, if ever.
    pub expires: Option<SystemTime>,
}

/// What an approver thinks of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The node should have it.
    Approve,
    /// The node must not have it; final, with the reason.
    Deny(String),
    /// A person must decide, with the reason.
    Defer(String),
    /// Not this approver's business.
    Abstain,
}

/// A verdict and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The verdict.
    pub verdict: Verdict,
    /// Every rule that was applied.
    pub findings: Vec<Finding>,
}

impl Review {
    /// The node should have it.
    pub fn approve() -> Self {
        Self::new(Verdict::Approve)
    }

    /// The node must not have it; final.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Deny(reason.into()))
    }

    /// A person must decide.
    pub fn defer(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Defer(reason.into()))
    }

    /// Not this approver's business.
    pub fn abstain() -> Self {
        Self::new(Verdict::Abstain)
    }

    /// Adds a rule that was applied.
    #[must_use]
    pub fn finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    /// Adds rules that were applied.
    #[must_use]
    pub fn findings(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            findings: Vec::new(),
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReviewError {
    /// Something that the approver needs cannot be had now.
    #[error("what the approver needs cannot be had now: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<SettingErrors> for ReviewError {
    fn from(errors: SettingErrors) -> Self {
        Self::Other(errors.to_string())
    }
}

/// Exports a [`CsrApprover`] as the component: `slipway_sdk::export_csr_approver!(MyApprover);`, once in the crate's root.
#[macro_export]
macro_rules! export_csr_approver {
    ($plugin:ty) => {
        $crate::__export!($plugin, $crate::csr_approver::CsrApprover, csr_approver);
    };
}

impl<P: CsrApprover> wit::Guest for Exported<P> {
    fn review(request: wit::CertificateRequest) -> Result<wit::Assessment, wit::ReviewError> {
        let review = export::enter::<P>()
            .map_err(ReviewError::from)
            .and_then(|approver| approver.review(&read(request)?))
            .map_err(|error| match error {
                ReviewError::Unavailable(reason) => wit::ReviewError::Unavailable(reason),
                ReviewError::Other(reason) => wit::ReviewError::Other(reason),
            })?;
        Ok(wit::Assessment {
            verdict: match review.verdict {
                Verdict::Approve => wit::Verdict::Approve,
                Verdict::Deny(reason) => wit::Verdict::Deny(reason),
                Verdict::Defer(reason) => wit::Verdict::Defer(reason),
                Verdict::Abstain => wit::Verdict::Abstain,
            },
            findings: review.findings.into_iter().map(Into::into).collect(),
        })
    }
}

fn read(request: wit::CertificateRequest) -> Result<CertificateRequest, ReviewError> {
    let ip_addresses = request
        .alternative_names
        .ip
        .iter()
        .map(|address| {
            address
                .parse()
                .map_err(|_| ReviewError::Other(format!("{address:?} is not an IP address")))
        })
        .collect::<Result<_, _>>()?;
    Ok(CertificateRequest {
        name: request.name,
        uid: request.uid,
        signer_name: request.signer_name,
        node_name: request.node_name,
        usages: request.usages,
        dns_names: request.alternative_names.dns,
        ip_addresses,
        key_algorithm: request.key_algorithm,
        key_fingerprint: request.key_fingerprint,
        expiration: request
            .expiration_seconds
            .map(|seconds| Duration::from_secs(seconds.into())),
        der: request.der,
        requester: Requester {
            username: request.requester.username,
            groups: request.requester.groups,
            extra: request
                .requester
                .extra
                .into_iter()
                .map(|entry| (entry.name, entry.values))
                .collect(),
        },
        token: request.token.map(read_token).transpose()?,
        created: time(request.created)?,
        rejoins: request.rejoins,
    })
}

fn read_token(token: wit::TokenBounds) -> Result<TokenFacts, ReviewError> {
    Ok(TokenFacts {
        id: token.id,
        node: token.node,
        uses: token.uses,
        uses_left: token.uses_left,
        expires: token.expires.map(time).transpose()?,
    })
}

fn time(seconds: u64) -> Result<SystemTime, ReviewError> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .ok_or_else(|| ReviewError::Other(format!("{seconds} s after 1970 is not a time")))
}
