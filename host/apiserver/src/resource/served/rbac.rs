//! Roles and their bindings.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};

use crate::ownership::{Shape, Shapes};
use crate::resource::{Definition, NameRule};
use crate::table;

/// A role is referred to as a whole.
const BINDING: Shapes = Shapes(&[("roleRef", Shape::Atomic)]);

pub(super) static CLUSTER_ROLE_BINDINGS: Definition = Definition {
    name_rule: NameRule::PathSegment,
    shapes: BINDING,
    ..Definition::stored::<ClusterRoleBinding>(&table::BINDINGS)
};

pub(super) static CLUSTER_ROLES: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<ClusterRole>(&table::ROLES)
};

pub(super) static ROLE_BINDINGS: Definition = Definition {
    name_rule: NameRule::PathSegment,
    shapes: BINDING,
    ..Definition::stored::<RoleBinding>(&table::BINDINGS)
};

pub(super) static ROLES: Definition = Definition {
    name_rule: NameRule::PathSegment,
    ..Definition::stored::<Role>(&table::ROLES)
};
