//! The roles and bindings that every Kubernetes cluster has, as far as their resources are served.
//! Names and rules: plugin/pkg/auth/authorizer/rbac/bootstrappolicy.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::rbac::rules;
use super::resources;
use crate::authentication::{AUTHENTICATED, MASTERS, UNAUTHENTICATED};

/// The cluster roles that every cluster has, to create where they are absent.
pub fn cluster_roles() -> Vec<ClusterRole> {
    let request = |subresource: &str| {
        vec![rules::resources(
            &["create"],
            &[resources::CERTIFICATES],
            &[&format!("{}/{subresource}", resources::REQUESTS)],
        )]
    };
    vec![
        role(
            "cluster-admin",
            vec![
                rules::resources(&["*"], &["*"], &["*"]),
                rules::paths(&["*"], &["*"]),
            ],
        ),
        role(
            "system:discovery",
            vec![rules::paths(
                &["get"],
                &[
                    "/api",
                    "/api/*",
                    "/apis",
                    "/apis/*",
                    "/healthz",
                    "/livez",
                    "/openapi",
                    "/openapi/*",
                    "/readyz",
                    "/version",
                    "/version/",
                ],
            )],
        ),
        role(
            "system:public-info-viewer",
            vec![rules::paths(
                &["get"],
                &["/healthz", "/livez", "/readyz", "/version", "/version/"],
            )],
        ),
        role("system:basic-user", resources::self_review_rules().into()),
        role(
            "system:node-bootstrapper",
            vec![rules::resources(
                &["create", "get", "list", "watch"],
                &[resources::CERTIFICATES],
                &[resources::REQUESTS],
            )],
        ),
        role(
            "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
            request("nodeclient"),
        ),
        role(
            "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
            request("selfnodeclient"),
        ),
    ]
}

/// The cluster role bindings to create where they are absent.
pub(crate) fn cluster_role_bindings() -> Vec<ClusterRoleBinding> {
    vec![
        binding("cluster-admin", &[MASTERS]),
        binding("system:discovery", &[AUTHENTICATED]),
        binding("system:basic-user", &[AUTHENTICATED]),
        binding(
            "system:public-info-viewer",
            &[AUTHENTICATED, UNAUTHENTICATED],
        ),
    ]
}

fn role(name: &str, rules: Vec<PolicyRule>) -> ClusterRole {
    ClusterRole {
        metadata: metadata(name),
        rules: Some(rules),
        aggregation_rule: None,
    }
}

fn binding(role: &str, groups: &[&str]) -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: metadata(role),
        role_ref: RoleRef {
            api_group: Some(resources::RBAC.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(
            groups
                .iter()
                .map(|&group| Subject {
                    api_group: Some(resources::RBAC.to_owned()),
                    kind: "Group".to_owned(),
                    name: group.to_owned(),
                    namespace: None,
                })
                .collect(),
        ),
    }
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(
            [(
                "kubernetes.io/bootstrapping".to_owned(),
                "rbac-defaults".to_owned(),
            )]
            .into(),
        ),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::UserInfo;
    use crate::authorization::rbac::Policy;
    use crate::authorization::{Attributes, Decision, Ownership, ResourceTarget, decide};
    use crate::strategy::roles;

    #[test]
    fn the_defaults_are_valid() {
        for role in cluster_roles() {
            assert_eq!(roles::rules(role.rules.as_deref().unwrap(), false), []);
        }
        for binding in cluster_role_bindings() {
            assert_eq!(roles::role_ref(None, &binding.role_ref, false), []);
            assert_eq!(
                roles::subjects(binding.subjects.as_deref().unwrap(), false),
                []
            );
        }
    }

    #[test]
    fn by_default_a_user_discovers_and_asks_about_itself_and_nothing_else() {
        let policy = Policy::new(cluster_roles(), vec![], cluster_role_bindings(), vec![]);
        let may = |user: &UserInfo, attributes: &Attributes| {
            matches!(
                decide(&policy, user, attributes, Ownership::Unknown),
                Decision::Allow(_)
            )
        };
        let ann = UserInfo::authenticated("ann", ["ops"]);
        let anonymous = UserInfo::anonymous();
        let discovery = Attributes::path("get", "/apis/certificates.k8s.io/v1");
        assert!(may(&ann, &discovery) && !may(&anonymous, &discovery));
        let review = Attributes::resource(
            "create",
            ResourceTarget::new(resources::AUTHORIZATION, "selfsubjectaccessreviews"),
        );
        assert!(may(&ann, &review) && !may(&anonymous, &review));
        for resource in ["secrets", "configmaps", "nodes"] {
            let read = Attributes::resource("get", ResourceTarget::new("", resource).named("x"));
            assert!(!may(&ann, &read) && !may(&anonymous, &read), "{resource}");
        }
    }
}
