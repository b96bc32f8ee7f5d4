use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use slipway_config::name::NODES_GROUP;

use super::*;
use crate::authentication::{AUTHENTICATED, BOOTSTRAPPERS, UNAUTHENTICATED};

/// A policy in which these groups may do everything.
fn everything_for(groups: &[&str]) -> Policy {
    let named = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    Policy::new(
        vec![ClusterRole {
            metadata: named("everything"),
            rules: Some(vec![
                rules::resources(&["*"], &["*"], &["*"]),
                rules::paths(&["*"], &["*"]),
            ]),
            ..ClusterRole::default()
        }],
        vec![],
        vec![ClusterRoleBinding {
            metadata: named("b"),
            role_ref: RoleRef {
                kind: "ClusterRole".into(),
                name: "everything".into(),
                api_group: None,
            },
            subjects: Some(
                groups
                    .iter()
                    .map(|&group| Subject {
                        kind: "Group".into(),
                        name: group.into(),
                        ..Subject::default()
                    })
                    .collect(),
            ),
        }],
        vec![],
    )
}

fn secrets() -> Attributes {
    Attributes::resource("list", ResourceTarget::new("", "secrets"))
}

fn ask(policy: &Policy, user: &UserInfo, attributes: &Attributes) -> Decision {
    decide(policy, user, attributes, Ownership::Unknown)
}

#[test]
fn no_binding_widens_a_bootstrap_token() {
    let policy = everything_for(&[BOOTSTRAPPERS, AUTHENTICATED]);
    let by_name = UserInfo::authenticated("system:bootstrap:abcdef", ["x"]);
    let by_group = UserInfo::authenticated("ann", [BOOTSTRAPPERS]);
    for user in [by_name, by_group] {
        assert!(matches!(ask(&policy, &user, &secrets()), Decision::Deny(_)));
        let rules = rules_for(&policy, &user, "kube-system");
        assert!(!rules.iter().any(|rule| rbac::allows(rule, &secrets())));
    }
}

#[test]
fn no_binding_gives_a_node_what_is_banned() {
    let policy = everything_for(&[NODES_GROUP]);
    let node = UserInfo::authenticated("system:node:n1", [NODES_GROUP]);
    assert!(matches!(ask(&policy, &node, &secrets()), Decision::Deny(_)));
    let config = ResourceTarget::new("", "configmaps")
        .within("kube-system")
        .named("kubeadm-config");
    assert!(matches!(
        ask(&policy, &node, &Attributes::resource("get", config)),
        Decision::Allow(_)
    ));
}

#[test]
fn masters_need_no_policy_and_others_get_nothing_without_one() {
    let none = Policy::default();
    let master = UserInfo::authenticated("kubernetes-admin", [MASTERS]);
    let ann = UserInfo::authenticated("ann", ["ops"]);
    assert!(matches!(
        ask(&none, &master, &secrets()),
        Decision::Allow(_)
    ));
    assert_eq!(ask(&none, &ann, &secrets()), Decision::NoOpinion);
    assert_eq!(
        ask(&none, &UserInfo::anonymous(), &secrets()),
        Decision::NoOpinion
    );
    assert!(matches!(
        ask(
            &everything_for(&[UNAUTHENTICATED]),
            &UserInfo::anonymous(),
            &secrets()
        ),
        Decision::Allow(_)
    ));
}

#[test]
fn health_is_open_to_everybody_and_for_reading_only() {
    let none = Policy::default();
    let token = UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS]);
    for user in [UserInfo::anonymous(), token] {
        for path in ["/healthz", "/livez", "/readyz", "/version", "/version/"] {
            let get = Attributes::path("get", path);
            assert!(
                matches!(ask(&none, &user, &get), Decision::Allow(_)),
                "{path}"
            );
            let post = Attributes::path("post", path);
            assert!(
                !matches!(ask(&none, &user, &post), Decision::Allow(_)),
                "{path}"
            );
        }
        assert!(!matches!(
            ask(&none, &user, &Attributes::path("get", "/api")),
            Decision::Allow(_)
        ));
    }
}

#[test]
fn ownership_is_looked_up_where_it_decides() {
    let request = |name: &str| {
        Attributes::resource(
            "get",
            ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS).named(name),
        )
    };
    let token = UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS]);
    let node = UserInfo::authenticated("system:node:n1", [NODES_GROUP]);
    let ann = UserInfo::authenticated("ann", ["ops"]);
    assert_eq!(needs_ownership(&token, &request("c")), Some("c"));
    assert_eq!(needs_ownership(&node, &request("c")), Some("c"));
    assert_eq!(needs_ownership(&ann, &request("c")), None);
    assert_eq!(needs_ownership(&token, &request("")), None);
}

#[test]
fn the_rules_listed_are_the_rules_decided_by() {
    let node = UserInfo::authenticated("system:node:n1", [NODES_GROUP]);
    let policy = Policy::default();
    let lease = ResourceTarget::new(resources::COORDINATION, "leases")
        .within(resources::NODE_LEASES)
        .named("n1");
    for attributes in [
        Attributes::resource("update", lease),
        Attributes::resource(
            "patch",
            ResourceTarget::new("", "nodes")
                .named("n1")
                .subresource("status"),
        ),
        Attributes::resource(
            "create",
            ResourceTarget::new("", "events").within("default"),
        ),
        Attributes::path("get", "/healthz"),
    ] {
        assert!(matches!(
            ask(&policy, &node, &attributes),
            Decision::Allow(_)
        ));
        let listed = rules_for(&policy, &node, resources::NODE_LEASES);
        assert!(
            listed.iter().any(|rule| rbac::allows(rule, &attributes)),
            "{attributes}"
        );
    }
}
