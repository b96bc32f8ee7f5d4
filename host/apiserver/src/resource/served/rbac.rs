//! Roles and their bindings.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};

use crate::resource::{Definition, NameRule};
use crate::table;

pub(super) static CLUSTER_ROLE_BINDINGS: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<ClusterRoleBinding>(&table::BINDINGS)
};

pub(super) static CLUSTER_ROLES: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<ClusterRole>(&table::ROLES)
};

pub(super) static ROLE_BINDINGS: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<RoleBinding>(&table::BINDINGS)
};

pub(super) static ROLES: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<Role>(&table::ROLES)
};
