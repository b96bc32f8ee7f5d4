//! Roles and their bindings.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};

use crate::resource::definition::{STORED, normalise};
use crate::resource::{Definition, NameRule, Scope};
use crate::table;

pub(super) static CLUSTER_ROLE_BINDINGS: Definition = Definition {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    singular: "clusterrolebinding",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::PathSegment,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::BINDINGS,
    normalise: normalise::<ClusterRoleBinding>,
};

pub(super) static CLUSTER_ROLES: Definition = Definition {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind: "ClusterRole",
    plural: "clusterroles",
    singular: "clusterrole",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::PathSegment,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::ROLES,
    normalise: normalise::<ClusterRole>,
};

pub(super) static ROLE_BINDINGS: Definition = Definition {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind: "RoleBinding",
    plural: "rolebindings",
    singular: "rolebinding",
    short_names: &[],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::PathSegment,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::BINDINGS,
    normalise: normalise::<RoleBinding>,
};

pub(super) static ROLES: Definition = Definition {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind: "Role",
    plural: "roles",
    singular: "role",
    short_names: &[],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::PathSegment,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::ROLES,
    normalise: normalise::<Role>,
};
