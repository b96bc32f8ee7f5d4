//! The table of resources, group by group, in the order of discovery.

mod certificates;
mod coordination;
mod core;
mod rbac;
mod reviews;

use super::Definition;

pub(super) use self::core::NAMESPACES;

/// Every resource that can be served.
pub(crate) const ALL: &[&Definition] = &[
    &core::CONFIG_MAPS,
    &core::EVENTS,
    &core::NAMESPACES,
    &core::NODES,
    &core::SECRETS,
    &core::SERVICE_ACCOUNTS,
    &certificates::CERTIFICATE_SIGNING_REQUESTS,
    &coordination::LEASES,
    &rbac::CLUSTER_ROLE_BINDINGS,
    &rbac::CLUSTER_ROLES,
    &rbac::ROLE_BINDINGS,
    &rbac::ROLES,
    &reviews::SELF_SUBJECT_REVIEWS,
    &reviews::TOKEN_REVIEWS,
    &reviews::LOCAL_SUBJECT_ACCESS_REVIEWS,
    &reviews::SELF_SUBJECT_ACCESS_REVIEWS,
    &reviews::SELF_SUBJECT_RULES_REVIEWS,
    &reviews::SUBJECT_ACCESS_REVIEWS,
];
