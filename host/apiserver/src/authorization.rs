//! Whether an identity may do something: a union of authorizers, asked in a fixed order.
//!
//! 1. `system:masters` may do everything.
//! 2. A few paths are open to everybody.
//! 3. A bootstrap token's identity has a short list of its own, and RBAC is not asked for it.
//! 4. A node has the node authorizer's list and bans; what that leaves open goes to RBAC.
//! 5. RBAC over the served objects.

mod attributes;
mod authorizer;
mod bootstrap;
pub(crate) mod defaults;
mod node;
pub(crate) mod permissions;
pub(crate) mod rbac;
pub(crate) mod resources;
mod review;
mod reviews;
#[cfg(test)]
pub(crate) mod testing;

pub use attributes::{Attributes, ResourceTarget, Target};
pub(crate) use authorizer::UnionAuthorizer;
pub(crate) use bootstrap::is_shown_its_own_only;
pub use defaults::cluster_roles;
pub use rbac::allows;
pub(crate) use reviews::{
    LocalSubjectAccessReviews, SelfSubjectAccessReviews, SelfSubjectRulesReviews,
    SubjectAccessReviews,
};

use k8s_openapi::api::rbac::v1::PolicyRule;

use self::rbac::{Policy, rules};
use crate::authentication::{MASTERS, UserInfo};

/// What an authorizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed, and by what.
    Allow(String),
    /// Denied for good, and why.
    Deny(String),
    /// Not allowed by anything that was asked.
    NoOpinion,
}

/// Whose certificate signing request the target is, seen from the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The requester created it.
    Own,
    /// Somebody else created it.
    Foreign,
    /// There is no request of that name. Reading it is allowed and answers "not found": a client
    /// whose request was removed has to learn that, and a create tells as much anyhow.
    Absent,
    /// The target is no single request.
    Unknown,
}

/// Paths that anybody may get.
const OPEN_PATHS: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];

/// Decides. Pure: the policy and the ownership of the target are looked up by the caller.
pub(crate) fn decide(
    policy: &Policy,
    user: &UserInfo,
    attributes: &Attributes,
    ownership: Ownership,
) -> Decision {
    if user.in_group(MASTERS) {
        return Decision::Allow(format!("group {MASTERS:?}"));
    }
    if is_open(attributes) {
        return Decision::Allow("open to everybody".to_owned());
    }
    if user.is_bootstrap() {
        return bootstrap::decide(attributes, ownership);
    }
    if let Some(name) = user.node_name() {
        match node::decide(name, attributes, ownership) {
            Decision::NoOpinion => {}
            decided => return decided,
        }
    }
    match policy.allows(user, attributes) {
        Some(reason) => Decision::Allow(reason),
        None => Decision::NoOpinion,
    }
}

/// Whether deciding about this target needs to know whose request it is; its name, if so.
pub(crate) fn needs_ownership<'a>(user: &UserInfo, attributes: &'a Attributes) -> Option<&'a str> {
    match &attributes.target {
        Target::Resource(target)
            if (user.is_bootstrap() || user.node_name().is_some())
                && resources::is_request(target, "")
                && !target.name.is_empty() =>
        {
            Some(&target.name)
        }
        _ => None,
    }
}

/// All rules that apply to an identity in a namespace, as far as rules can say it.
pub(crate) fn rules_for(policy: &Policy, user: &UserInfo, namespace: &str) -> Vec<PolicyRule> {
    let open = rules::paths(&["get"], &OPEN_PATHS);
    if user.in_group(MASTERS) {
        return vec![
            rules::resources(&["*"], &["*"], &["*"]),
            rules::paths(&["*"], &["*"]),
        ];
    }
    let mut found = vec![open];
    if user.is_bootstrap() {
        found.extend(bootstrap::rules());
        return found;
    }
    if let Some(name) = user.node_name() {
        found.extend(node::rules(name));
        if namespace == resources::NODE_LEASES {
            found.extend(node::lease_rules(name));
        }
    }
    found.extend(policy.rules_for(user, namespace));
    found
}

fn is_open(attributes: &Attributes) -> bool {
    match &attributes.target {
        Target::Path(path) => {
            attributes.verb == "get" && OPEN_PATHS.contains(&path.trim_end_matches('/'))
        }
        Target::Resource(_) => false,
    }
}

#[cfg(test)]
mod tests;
