//! What no policy may waive: the host's own rules for certificate signing requests.
//!
//! The approver applies them before a plugin's approval counts, the signer again before it signs. Everything is derived
//! from the DER as submitted. A rule that is broken is a denial; a request to a signer that is not configured is left
//! alone. See the security model, "Guardrails on a certificate request".

mod requester;
mod serving;
mod shape;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::endpoint::Host;
use slipway_config::finding::{Finding, Outcome};
use slipway_config::name::{Dns1123Subdomain, NodeName};
use slipway_config::token::TokenId;

use crate::csr::CertificateRequest;
use crate::decision::ledger::TokenLedger;
use crate::decision::signing::DEFAULT_MAXIMUM;
use crate::key::PublicKey;
use crate::signer::{NodeSigner, Usage};

/// What is known of a request from the API server's own fields.
#[derive(Clone, Copy, Debug)]
pub struct CsrFacts<'a> {
    /// `spec.request`: the PKCS#10 request in PEM.
    pub request: &'a [u8],
    /// `spec.signerName`.
    pub signer_name: &'a str,
    /// `spec.usages`.
    pub usages: &'a [String],
    /// `spec.expirationSeconds`.
    pub expiration_seconds: Option<i32>,
    /// `spec.username`, as the API server authenticated it.
    pub username: &'a str,
    /// `spec.groups`, as the API server authenticated them.
    pub groups: &'a [String],
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
}

/// What is known of the cluster as it is now.
#[derive(Clone, Debug)]
pub struct ClusterFacts {
    /// The time now.
    pub now: Timestamp,
    /// The signers that are configured here.
    pub signers: Vec<NodeSigner>,
    /// Who signs what is approved, and how long a lifetime it gives.
    pub lifetime: LifetimePolicy,
    /// The nodes that exist, Ready or not: at least the one in question, and those that have a name or an address which is
    /// asked for ([`hosts`](crate::csr::UnverifiedRequest::hosts)).
    pub nodes: Vec<KnownNode>,
    /// Names of control-plane nodes, whether or not a Node object exists.
    pub control_plane: BTreeSet<NodeName>,
    /// Names and addresses that the API servers answer to.
    pub api_server: ApiServerIdentity,
    /// Names whose nodes may join again although they exist: the operator's opt-in.
    pub rejoin_allowed: BTreeSet<NodeName>,
    /// The token of a requester that is a bootstrap identity; none where the token does not exist (any more).
    pub token: Option<TokenFacts>,
}

/// Who signs what is approved here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifetimePolicy {
    /// Our signer, which gives less where more is asked for ([`crate::decision::signing::validity`]).
    Clamped,
    /// Another signer, of which we do not know what it does: a longer lifetime than this is refused.
    Refused {
        /// The longest lifetime that may be asked for.
        longest: Duration,
    },
}

impl KnownNode {
    /// A node with what `status.addresses` says it is reached at. What is neither a host name nor an IP address stands in
    /// no certificate.
    pub fn new<'a>(name: NodeName, addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = addresses
            .into_iter()
            .map(|address| address.trim_end_matches('.'))
            .chain([name.as_str()])
            .filter_map(|text| Host::from_unbracketed(text).ok())
            .map(Host::canonical)
            .collect();
        Self { name, hosts }
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// What it is reached at, its name included, in [canonical form](Host::canonical).
    pub fn hosts(&self) -> &BTreeSet<Host> {
        &self.hosts
    }
}

impl LifetimePolicy {
    /// For a signer that is not ours, kube-controller-manager's as a rule: what it gives by default, and no more.
    pub const ANOTHER_SIGNER: Self = Self::Refused {
        longest: DEFAULT_MAXIMUM,
    };
}

/// A node that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNode {
    name: NodeName,
    hosts: BTreeSet<Host>,
}

/// What the API servers answer to. The names of the Service `kubernetes` belong to it without being listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiServerIdentity {
    /// DNS names.
    pub dns_names: Vec<String>,
    /// IP addresses, the one of the Service `kubernetes` included.
    pub addresses: Vec<IpAddr>,
}

/// A token with its bounds and what became of it.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// The ledger of the token as it exists now.
    pub ledger: TokenLedger,
    /// Where the request came from. Seen by the embedded API only; none elsewhere.
    pub source_address: Option<IpAddr>,
}

/// What the guardrails say.
#[derive(Clone, Debug)]
pub enum Guarded {
    /// Every rule holds.
    Passed(Box<GuardedRequest>),
    /// At least one rule is broken; these are the findings, broken rules first.
    Broken(Vec<Finding>),
    /// It is for a signer that is not configured: neither decided nor touched.
    Ignored,
}

/// A request that passed the guardrails, in the only form in which a signer takes it. Made by [`check`] only.
#[derive(Clone)]
pub struct GuardedRequest {
    signer: NodeSigner,
    node: NodeName,
    request: CertificateRequest,
    usages: Vec<Usage>,
    dns_names: Vec<Dns1123Subdomain>,
    addresses: Vec<IpAddr>,
    expiration_seconds: Option<u32>,
    requester: RequesterIdentity,
    deferral: Option<String>,
    rejoins: bool,
    findings: Vec<Finding>,
}

/// Who submitted a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequesterIdentity {
    /// A bootstrap token.
    Bootstrap(TokenId),
    /// A node that has its identity already.
    Node(NodeName),
    /// Somebody else, such as an administrator who submits on behalf of a machine.
    Other,
}

/// Applies every rule.
///
/// Never fails: what cannot be read is a broken rule. If a fact cannot be read now, do not call this; try again later.
pub fn check(csr: &CsrFacts<'_>, cluster: &ClusterFacts) -> Guarded {
    let signer =
        NodeSigner::from_name(csr.signer_name).filter(|signer| cluster.signers.contains(signer));
    let Some(signer) = signer else {
        return Guarded::Ignored;
    };
    let request = match CertificateRequest::from_pem(csr.request) {
        Ok(request) => request,
        Err(error) => {
            return Guarded::Broken(vec![Finding::failed(error.rule(), error.to_string())]);
        }
    };
    let mut findings = Findings::default();
    findings.passed(
        "request-well-formed",
        "the request is PKCS#10 in DER, signed with its own key",
    );
    findings.passed(
        "key-strength",
        format!("the key is {}", request.public_key().algorithm()),
    );

    let usages = shape::usages(csr, signer, &mut findings);
    let expiration_seconds = shape::expiration(csr, cluster, &mut findings);
    let node = shape::subject(&request, &mut findings);
    let names = match signer {
        NodeSigner::KubeletClient => shape::no_extensions(&request, &mut findings),
        NodeSigner::KubeletServing => {
            serving::names(&request, node.as_ref(), cluster, &mut findings)
        }
    };
    let requester = requester::identify(csr, &mut findings);
    let mut deferral = None;
    if let (Some(node), Some(requester)) = (&node, &requester) {
        let key = request.public_key();
        deferral = requester::check(
            requester,
            &requester::Asked { signer, node, key },
            csr,
            cluster,
            &mut findings,
        );
    }
    match (findings.finish(), node, requester) {
        (Ok(findings), Some(node), Some(requester)) => Guarded::Passed(Box::new(GuardedRequest {
            rejoins: !matches!(requester, RequesterIdentity::Node(_))
                && cluster.nodes.iter().any(|known| *known.name() == node),
            signer,
            node,
            request,
            usages,
            dns_names: names.dns,
            addresses: names.addresses,
            expiration_seconds,
            requester,
            deferral,
            findings,
        })),
        (Ok(findings) | Err(findings), ..) => Guarded::Broken(findings),
    }
}

impl GuardedRequest {
    /// The signer that it is for.
    pub fn signer(&self) -> NodeSigner {
        self.signer
    }

    /// The node that it names.
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// The key to certify.
    pub fn public_key(&self) -> &PublicKey {
        self.request.public_key()
    }

    /// The usages to give.
    pub fn usages(&self) -> &[Usage] {
        &self.usages
    }

    /// The DNS names to give; none for a client certificate.
    pub fn dns_names(&self) -> &[Dns1123Subdomain] {
        &self.dns_names
    }

    /// The addresses to give; none for a client certificate.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Whether a new identity is asked for in the name of a node that exists already. A bootstrap token gets this far with
    /// such a name only where the operator has allowed it.
    pub fn rejoins(&self) -> bool {
        self.rejoins
    }

    /// The lifetime asked for in seconds, at least 600 where there is one.
    pub fn expiration_seconds(&self) -> Option<u32> {
        self.expiration_seconds
    }

    /// Who submitted it.
    pub fn requester(&self) -> &RequesterIdentity {
        &self.requester
    }

    /// Why only a person may approve it, whatever the approvers say; none where they may.
    pub fn deferral(&self) -> Option<&str> {
        self.deferral.as_deref()
    }

    /// Every rule that was applied; all of them hold.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The request as it was read and verified.
    pub fn request(&self) -> &CertificateRequest {
        &self.request
    }
}

impl fmt::Debug for GuardedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedRequest")
            .field("signer", &self.signer)
            .field("node", &self.node)
            .field("public_key", self.public_key())
            .field("dns_names", &self.dns_names)
            .field("addresses", &self.addresses)
            .field("requester", &self.requester)
            .finish_non_exhaustive()
    }
}

/// Names that a certificate may have.
#[derive(Debug, Default)]
struct Names {
    dns: Vec<Dns1123Subdomain>,
    addresses: Vec<IpAddr>,
}

/// Collects what each rule found.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn passed(&mut self, rule: &str, seen: impl Into<String>) {
        self.0.push(Finding::passed(rule, seen));
    }

    fn failed(&mut self, rule: &str, seen: impl Into<String>) {
        self.0.push(Finding::failed(rule, seen));
    }

    fn failed_with_fix(&mut self, rule: &str, seen: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding::failed(rule, seen).with_fix(fix));
    }

    /// All findings if every rule holds; else all of them with the broken rules first.
    fn finish(mut self) -> Result<Vec<Finding>, Vec<Finding>> {
        self.0
            .sort_by_key(|finding| finding.outcome != Outcome::Failed);
        match self.0.first() {
            Some(first) if first.outcome == Outcome::Failed => Err(self.0),
            _ => Ok(self.0),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
