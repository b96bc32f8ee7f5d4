//! A policy for tests.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};

use super::rbac::{Policy, rules};
use super::resources;

/// The default policy of `cluster-admin`, and a group `ops` that has these rules everywhere.
pub(crate) fn policy_of_ops(rules: Vec<PolicyRule>) -> Policy {
    let role = |name: &str, rules: Vec<PolicyRule>| {
        let mut role = ClusterRole::default();
        role.metadata.name = Some(name.into());
        role.rules = Some(rules);
        role
    };
    let mut binding = ClusterRoleBinding {
        role_ref: RoleRef {
            api_group: Some(resources::RBAC.into()),
            kind: "ClusterRole".into(),
            name: "ops".into(),
        },
        subjects: Some(vec![Subject {
            kind: "Group".into(),
            name: "ops".into(),
            ..Subject::default()
        }]),
        ..ClusterRoleBinding::default()
    };
    binding.metadata.name = Some("ops".into());
    let admin = vec![rules::resources(&["*"], &["*"], &["*"])];
    Policy::new(
        vec![role("ops", rules), role("cluster-admin", admin)],
        vec![],
        vec![binding],
        vec![],
    )
}
