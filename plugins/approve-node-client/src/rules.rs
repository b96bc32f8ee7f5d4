//! The rules, in the order in which they are applied. The first that objects ends the review.

use slipway_sdk::csr_approver::TokenFacts;
use slipway_sdk::prelude::*;

use crate::{ApproveNodeClient, OtherName};

/// A rule holds, with what was seen; or objects.
type Rule = fn(&ApproveNodeClient, &CertificateRequest) -> Result<Finding, Objection>;

/// What a rule has against an approval.
pub(crate) struct Objection {
    pub(crate) verdict: Verdict,
    pub(crate) finding: Finding,
}

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    client_certificate,
    bootstrap_token,
    token_alive,
    token_for_node,
    token_uses_left,
    node_name_allowed,
];

fn client_certificate(
    _: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, Objection> {
    const RULE: &str = "client-certificate";
    let seen = format!("the signer is {}", request.signer_name);
    if request.is_for_client() {
        Ok(Finding::passed(RULE, seen))
    } else {
        Err(not_mine(RULE, seen))
    }
}

/// Renewals, and what an administrator submits for a node, are decided by others.
fn bootstrap_token(
    _: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, Objection> {
    const RULE: &str = "bootstrap-token";
    let seen = format!("{} asks", request.requester.username);
    let Some(id) = request.requester.token_id() else {
        return Err(not_mine(RULE, seen));
    };
    match &request.token {
        Some(token) if token.id == id => Ok(Finding::passed(RULE, seen)),
        Some(_) | None => Err(Objection {
            verdict: Verdict::Defer(format!("nothing is known any more of the token {id}")),
            finding: Finding::failed(RULE, seen),
        }),
    }
}

/// There is no clock here and none is needed: a token that expired after the request was submitted is the host's to
/// notice.
fn token_alive(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, Objection> {
    const RULE: &str = "token-alive";
    let Some(expires) = token(request).and_then(|token| token.expires) else {
        return Ok(Finding::passed(RULE, "the token does not expire"));
    };
    if request.created < expires {
        Ok(Finding::passed(
            RULE,
            "the token was valid when it was used",
        ))
    } else {
        Err(Objection {
            verdict: Verdict::Defer("the token had expired when it was used".to_owned()),
            finding: Finding::failed(RULE, "the request is younger than the token's end"),
        })
    }
}

fn token_for_node(
    _: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, Objection> {
    const RULE: &str = "token-for-node";
    match token(request).and_then(|token| token.node.as_ref()) {
        None => Ok(Finding::passed(RULE, "the token is for any node")),
        Some(node) if *node == request.node_name => Ok(Finding::passed(
            RULE,
            format!("the token is for node {node}"),
        )),
        Some(node) => Err(Objection {
            verdict: Verdict::Deny(format!(
                "the token is for node {node}, not for {}",
                request.node_name
            )),
            finding: Finding::failed(RULE, format!("the token is for node {node}"))
                .fix(format!("make a token for node {}", request.node_name)),
        }),
    }
}

/// Whether a use is this very request's is in the host's ledger, so one that seems too many is no denial.
fn token_uses_left(
    _: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, Objection> {
    const RULE: &str = "token-uses-left";
    match token(request).and_then(|token| token.uses_left) {
        None => Ok(Finding::passed(RULE, "the token's uses are not limited")),
        Some(0) => Err(Objection {
            verdict: Verdict::Defer("the token has no uses left".to_owned()),
            finding: Finding::failed(RULE, "no uses are left").fix("make another token"),
        }),
        Some(left) => Ok(Finding::passed(RULE, format!("uses left: {left}"))),
    }
}

fn node_name_allowed(
    plugin: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, Objection> {
    const RULE: &str = "node-name-allowed";
    let name = &request.node_name;
    if plugin.names.is_empty() {
        return Ok(Finding::passed(RULE, "every name is allowed"));
    }
    if let Some(pattern) = plugin.names.iter().find(|pattern| pattern.matches(name)) {
        return Ok(Finding::passed(RULE, format!("{name} matches {pattern}")));
    }
    let reason = format!("{name} is none of the names that are approved without a person");
    Err(Objection {
        finding: Finding::failed(RULE, &reason)
            .fix("add it to the setting `names` of approve-node-client"),
        verdict: match plugin.other_name {
            OtherName::Defer => Verdict::Defer(reason),
            OtherName::Deny => Verdict::Deny(reason),
        },
    })
}

fn token(request: &CertificateRequest) -> Option<&TokenFacts> {
    request.token.as_ref()
}

fn not_mine(rule: &str, seen: String) -> Objection {
    Objection {
        verdict: Verdict::Abstain,
        finding: Finding::skipped(rule, seen),
    }
}
