//! Which key may have a node name.
//!
//! Two keys may ask for the same name before any Node exists. Before an approval is written a claim is made on the name,
//! one per name, by a create that fails where there is one already. Who finds another's claim waits for a person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::finding::Finding;
use slipway_config::name::NodeName;

use crate::key::KeyFingerprint;

/// A claim on a node name, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// The name that is claimed.
    pub node: NodeName,
    /// The key that claims it.
    pub key: KeyFingerprint,
    /// Name of the request through which it is claimed.
    pub request: String,
    /// UID of that request: another may come to have its name.
    pub request_uid: String,
    /// UID of the token that submitted the request, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_uid: Option<String>,
    /// When the token's time is over, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the claim was made.
    pub claimed: Timestamp,
}

/// What is known about the request behind an existing claim, read live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimFacts {
    /// Where the request behind it stands.
    pub request: ClaimedRequest,
    /// Whether a Node of that name exists.
    pub node_exists: bool,
    /// Whether the token behind it was deleted.
    pub token_revoked: bool,
}

/// Where the request behind a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimedRequest {
    /// Neither denied nor signed.
    Open,
    /// Denied.
    Denied,
    /// Its certificate is in its status.
    Delivered,
    /// It does not exist any more. It may have been delivered before it was collected, so that this alone ends nothing.
    Gone,
}

/// Why a claim is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimEnd {
    /// The certificate was delivered and the Node exists, whose name protects itself from then on.
    Fulfilled,
    /// The request was denied.
    Denied,
    /// The token expired or was deleted.
    TokenOver,
}

/// What to do before an approval is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is no claim: create this one. The create must fail where there is one by now, which is looked at then.
    Create(Claim),
    /// The claim is ours: the approval may be written.
    Held,
    /// The claim that is there is over: delete it, if it is unchanged, then look again.
    Clear(ClaimEnd),
    /// The claim is another's: leave the request to a person, with this finding.
    Defer(Finding),
}

impl Claim {
    /// The claim as it is made. A person may approve a request whose token expired since: a claim that ended with the token
    /// would be over before it is used.
    #[must_use]
    pub fn as_made(&self, now: Timestamp) -> Self {
        Self {
            expires: self.expires.filter(|expires| *expires > now),
            ..self.clone()
        }
    }

    /// Whether this is the claim that `wanted` made earlier, for the same request, and its time is not over: it is held
    /// then as far as that request and its token are in order, which whoever wants it has found out.
    pub fn is_held_by(&self, wanted: &Claim, now: Timestamp) -> bool {
        self.key == wanted.key
            && self.request_uid == wanted.request_uid
            && self.expires.is_none_or(|expires| expires > now)
    }
}

/// What to do for `wanted`, given the claim that exists on its name, if any, and what is known about it.
///
/// The holder of the same key holds the claim whichever request and token it comes with.
pub fn next(existing: Option<(&Claim, ClaimFacts)>, wanted: &Claim, now: Timestamp) -> Step {
    let Some((claim, facts)) = existing else {
        return Step::Create(wanted.as_made(now));
    };
    if let Some(end) = end(claim, facts, now) {
        return Step::Clear(end);
    }
    if claim.key == wanted.key {
        return Step::Held;
    }
    let seen = format!(
        "the name {} is claimed by another key, {}, through the request {}, since {:.0}",
        claim.node, claim.key, claim.request, claim.claimed
    );
    Step::Defer(Finding::failed("name-unclaimed", seen).with_fix(format!(
        "find out which machine is {}: if it is the other one, deny this request; if it is this one, delete the \
         token that the other came with, which frees the name",
        claim.node
    )))
}

/// Whether a claim is over, and why.
pub fn end(claim: &Claim, facts: ClaimFacts, now: Timestamp) -> Option<ClaimEnd> {
    let token_over = facts.token_revoked || claim.expires.is_some_and(|expires| expires <= now);
    match facts.request {
        ClaimedRequest::Denied => Some(ClaimEnd::Denied),
        ClaimedRequest::Delivered | ClaimedRequest::Gone if facts.node_exists => {
            Some(ClaimEnd::Fulfilled)
        }
        _ if token_over => Some(ClaimEnd::TokenOver),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
