//! Rules about who asks, and for whom.

use std::net::IpAddr;

use slipway_config::name::{NODE_USER_PREFIX, NODES_GROUP, NodeName};
use slipway_config::token::{BOOTSTRAPPERS_GROUP, TokenId, USER_PREFIX};

use super::{ClusterFacts, CsrFacts, Findings, RequesterIdentity, TokenFacts};
use crate::decision::ledger::{Refusal, TokenUse};
use crate::key::PublicKey;
use crate::signer::NodeSigner;

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) signer: NodeSigner,
    pub(super) node: &'a NodeName,
    pub(super) key: &'a PublicKey,
}

/// Tells who asks. User name and groups must agree: who is half a node and half something else is refused.
pub(super) fn identify(csr: &CsrFacts<'_>, findings: &mut Findings) -> Option<RequesterIdentity> {
    const RULE: &str = "requester-identity";
    let in_group = |name: &str| csr.groups.iter().any(|group| group == name);
    let bootstraps = csr.groups.iter().any(|group| {
        group
            .strip_prefix(BOOTSTRAPPERS_GROUP)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    let token = csr
        .username
        .strip_prefix(USER_PREFIX)
        .map(str::parse::<TokenId>);
    let node = csr
        .username
        .starts_with(NODE_USER_PREFIX)
        .then(|| NodeName::from_user_name(csr.username));
    let username = super::shape::shortened(csr.username);
    if csr.username.is_empty()
        || csr.username == "system:anonymous"
        || in_group("system:unauthenticated")
    {
        findings.failed(
            RULE,
            format!("the requester {username:?} is not authenticated"),
        );
        return None;
    }
    let identity = match (token, node) {
        (Some(Ok(id)), None) if in_group(BOOTSTRAPPERS_GROUP) && !in_group(NODES_GROUP) => {
            RequesterIdentity::Bootstrap(id)
        }
        (None, Some(Some(node))) if in_group(NODES_GROUP) && !bootstraps => {
            RequesterIdentity::Node(node)
        }
        (None, None) if !bootstraps && !in_group(NODES_GROUP) => RequesterIdentity::Other,
        _ => {
            findings.failed(
                RULE,
                format!("the user name {username:?} and its groups do not go together"),
            );
            return None;
        }
    };
    findings.passed(RULE, format!("the requester is {username}"));
    Some(identity)
}

/// Checks that the requester may ask for this. Returns why only a person may approve it, if so.
pub(super) fn check(
    requester: &RequesterIdentity,
    asked: &Asked<'_>,
    csr: &CsrFacts<'_>,
    cluster: &ClusterFacts,
    findings: &mut Findings,
) -> Option<String> {
    if asked.signer == NodeSigner::KubeletServing {
        serving(requester, asked.node, csr, findings);
        return None;
    }
    match requester {
        RequesterIdentity::Bootstrap(id) => {
            new_node(asked.node, cluster, findings);
            token(id, asked, csr, cluster, findings)
        }
        RequesterIdentity::Node(node) => {
            renewal(node, asked.node, findings);
            None
        }
        RequesterIdentity::Other => Some(format!(
            "{} is neither a bootstrap token nor the node itself",
            csr.username
        )),
    }
}

fn serving(
    requester: &RequesterIdentity,
    node: &NodeName,
    csr: &CsrFacts<'_>,
    findings: &mut Findings,
) {
    const RULE: &str = "serving-for-itself";
    match requester {
        RequesterIdentity::Node(own) if own == node => findings.passed(RULE, "the node asks for itself"),
        RequesterIdentity::Bootstrap(_) => findings.failed_with_fix(
            RULE,
            "a bootstrap token asks for a serving certificate; it may ask for a client certificate only",
            "ask with the node's own identity once it has one",
        ),
        _ => findings.failed(RULE, format!("{} asks for a serving certificate of the node {node}", csr.username)),
    }
}

fn renewal(own: &NodeName, node: &NodeName, findings: &mut Findings) {
    const RULE: &str = "renews-only-itself";
    if own == node {
        findings.passed(RULE, "the node renews its own identity");
    } else {
        findings.failed(
            RULE,
            format!("the node {own} asks for the identity of {node}"),
        );
    }
}

fn new_node(node: &NodeName, cluster: &ClusterFacts, findings: &mut Findings) {
    const RULE: &str = "node-is-new";
    let exists = cluster.nodes.iter().any(|known| known.name() == node);
    let is_control_plane = cluster.control_plane.contains(node);
    let another = "join under another name";
    let gone =
        format!("{another}, or, if that machine is gone for good, `kubectl delete node {node}`");
    match (exists, is_control_plane) {
        _ if cluster.rejoin_allowed.contains(node) => {
            findings.passed(
                RULE,
                format!("re-joining as {node} is allowed by the operator"),
            );
        }
        (_, true) => findings.failed_with_fix(
            RULE,
            format!("{node} is a node of the control plane"),
            another,
        ),
        (true, false) => {
            findings.failed_with_fix(RULE, format!("a node named {node} exists"), gone)
        }
        (false, false) => findings.passed(RULE, format!("no node named {node} exists")),
    }
}

fn token(
    id: &TokenId,
    asked: &Asked<'_>,
    csr: &CsrFacts<'_>,
    cluster: &ClusterFacts,
    findings: &mut Findings,
) -> Option<String> {
    const RULE: &str = "token-bounds";
    let facts = cluster
        .token
        .as_ref()
        .filter(|facts| facts.ledger.token_id() == id);
    let Some(facts) = facts else {
        findings.failed_with_fix(
            RULE,
            format!("the token {id} does not exist any more"),
            another(asked.node),
        );
        return None;
    };
    source(facts, findings);
    let wanted = TokenUse {
        token_uid: facts.ledger.token_uid().to_owned(),
        key: asked.key.fingerprint(),
        node: asked.node.clone(),
        signer: asked.signer,
        submitted: csr.created,
    };
    match facts.ledger.standing(&wanted, cluster.now) {
        Ok(_) => findings.passed(RULE, format!("the token {id} may be used for this")),
        Err(refusal) => refused(RULE, id, &refusal, asked.node, findings),
    }
    let expired = facts
        .ledger
        .expires()
        .filter(|expires| *expires <= cluster.now)?;
    Some(format!(
        "the token {id} was valid when the request was submitted and expired at {expired:.0}: the node has to ask with another, \
         since this one does not fetch its certificate any more"
    ))
}

fn refused(rule: &str, id: &TokenId, refusal: &Refusal, node: &NodeName, findings: &mut Findings) {
    findings.failed_with_fix(
        rule,
        format!("the token {id} may not be used for this: {refusal}"),
        another(node),
    );
}

fn another(node: &NodeName) -> String {
    format!("make another token: `slipway token create --node {node} --uses 1`")
}

fn source(facts: &TokenFacts, findings: &mut Findings) {
    const RULE: &str = "token-source";
    let cidrs = &facts.ledger.bounds().cidrs;
    if cidrs.is_empty() {
        return;
    }
    let inside = |address: IpAddr| {
        cidrs
            .iter()
            .any(|cidr| cidr.contains(&address.to_canonical()))
    };
    match facts.source_address {
        Some(address) if inside(address) => {
            findings.passed(RULE, format!("{address} may use the token"))
        }
        Some(address) => findings.failed(RULE, format!("the token may not be used from {address}")),
        // The operator asked for a bound; that it cannot be checked is no reason to ignore it.
        None => findings.failed(
            RULE,
            "the token is bound to source addresses, and this request's is not known",
        ),
    }
}
