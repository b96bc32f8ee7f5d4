//! CSR approvers: whether a node gets the identity that it asks for.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::finding::{Finding, Verdict};
use slipway_config::name::NodeName;
use slipway_config::token::TokenId;
use thiserror::Error;

use crate::{CallError, CallStats, Outside, PluginIdentity};

/// Judges certificate signing requests that passed the guardrails. It can only narrow.
#[async_trait]
pub trait CsrApprover: Send + Sync {
    /// Who answers.
    fn identity(&self) -> &PluginIdentity;

    /// Reviews a request; what it has to know beside it comes from `outside`.
    ///
    /// # Errors
    /// There is no verdict. An error is never a denial; the request stays undecided and is reviewed again.
    async fn review(
        &self,
        request: &ReviewRequest,
        outside: &Outside,
    ) -> Result<Review, ReviewError>;
}

/// A request that passed the guardrails, as an approver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewRequest {
    /// The object's name.
    pub name: String,
    /// The object's UID.
    pub uid: String,
    /// The signer: `kubernetes.io/kube-apiserver-client-kubelet`.
    pub signer_name: String,
    /// The node's name, from the subject.
    pub node_name: NodeName,
    /// The usages, as the API names them: `digital signature`.
    pub usages: Vec<String>,
    /// DNS names that the certificate should carry.
    #[serde(default)]
    pub dns_names: Vec<String>,
    /// IP addresses that the certificate should carry.
    #[serde(default)]
    pub ip_addresses: Vec<IpAddr>,
    /// Key type and size: `ECDSA P-256`.
    pub key_algorithm: String,
    /// SHA-256 over the public key's SubjectPublicKeyInfo, in hex.
    pub key_fingerprint: String,
    /// The lifetime asked for in seconds, if any.
    #[serde(default)]
    pub expiration_seconds: Option<u32>,
    /// The PKCS#10 request as submitted, DER; in JSON a list of numbers.
    pub der: Vec<u8>,
    /// Who asks.
    pub requester: Requester,
    /// The token that was used to ask, where one was.
    #[serde(default)]
    pub token: Option<TokenFacts>,
    /// When the object was created.
    pub created: Timestamp,
    /// Whether a new identity is asked for in the name of a node that exists already.
    #[serde(default)]
    pub rejoins: bool,
}

/// Who submitted a request, as the API server authenticated it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requester {
    /// `system:bootstrap:abcdef`, `system:node:worker-1`.
    pub username: String,
    /// Groups, as the API server gave them.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Extra attributes.
    #[serde(default)]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The public part of the token that was used to ask, and its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenFacts {
    /// The token's ID.
    pub id: TokenId,
    /// The only node that may use it, if bound to one.
    #[serde(default)]
    pub node: Option<NodeName>,
    /// How often it may be used in all, if limited.
    #[serde(default)]
    pub uses: Option<u32>,
    /// How many uses are left, if limited.
    #[serde(default)]
    pub uses_left: Option<u32>,
    /// When it expires, if ever.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// A verdict and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The verdict.
    pub verdict: Verdict,
    /// Every rule that was applied.
    pub findings: Vec<Finding>,
    /// What the call cost.
    pub stats: CallStats,
}

/// Why there is no verdict.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// Something that the approver needs cannot be had now.
    #[error("what the approver needs cannot be had now: {0}")]
    Unavailable(String),
    /// Anything else that the plugin had to say.
    #[error("{0}")]
    Other(String),
    /// The plugin gave no usable answer.
    #[error("the approver gave no usable answer")]
    Failed(#[source] CallError),
}
