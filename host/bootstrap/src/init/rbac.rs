//! Who may do what during a bootstrap: the narrowest that works, and wider only by name.
//!
//! The names are those of wire-contracts, "RBAC made at init", so that a cluster made by us is one that kubeadm
//! knows its way around in.

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use slipway_config::token::DEFAULT_NODE_GROUP;

use super::objects::{ObjectError, Policy, Wanted};

/// The binding that lets a token read every request, under the name that kubeadm gives it.
pub const KUBELET_COMPATIBLE: &str = "kubeadm:kubelet-bootstrap";

const GROUP_API: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const REQUESTS: &str = "certificatesigningrequests";
const NODES: &str = "system:nodes";
const BOOTSTRAPPER: &str = "slipway:node-bootstrapper";
const WIDE_BOOTSTRAPPER: &str = "system:node-bootstrapper";
const NODE_CLIENT: &str = "system:certificates.k8s.io:certificatesigningrequests:nodeclient";
const SELF_NODE_CLIENT: &str =
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";

/// What the operator opted into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Access {
    /// Requests for node client certificates are approved without a person.
    pub automatic_approval: bool,
    /// kubeadm and kubelet can bootstrap: a token reads all requests, all nodes, and kubeadm's configuration.
    pub kubelet_compatible: bool,
}

/// Every role and binding, for these wishes.
pub fn objects(access: Access) -> Result<Vec<Wanted>, ObjectError> {
    let mut objects = vec![
        cluster_role(
            BOOTSTRAPPER,
            rule(&["create", "get"], CERTIFICATES, REQUESTS, &[]),
            Policy::Reconcile,
        )?,
        cluster_binding("slipway:node-bootstrap", BOOTSTRAPPER, DEFAULT_NODE_GROUP)?,
        approval_role(SELF_NODE_CLIENT, "selfnodeclient")?,
        cluster_binding(
            "kubeadm:node-autoapprove-certificate-rotation",
            SELF_NODE_CLIENT,
            NODES,
        )?,
        role(
            "kube-public",
            "kubeadm:bootstrap-signer-clusterinfo",
            "cluster-info",
        )?,
        binding(
            "kube-public",
            "kubeadm:bootstrap-signer-clusterinfo",
            &[user("system:anonymous")],
        )?,
    ];
    if access.automatic_approval {
        objects.push(approval_role(NODE_CLIENT, "nodeclient")?);
        objects.push(cluster_binding(
            "kubeadm:node-autoapprove-bootstrap",
            NODE_CLIENT,
            DEFAULT_NODE_GROUP,
        )?);
    }
    if access.kubelet_compatible {
        objects.extend(kubelet_compatible()?);
    }
    Ok(objects)
}

fn kubelet_compatible() -> Result<Vec<Wanted>, ObjectError> {
    let bootstrapper = rule(
        &["create", "get", "list", "watch"],
        CERTIFICATES,
        REQUESTS,
        &[],
    );
    let mut objects = vec![
        // The API server of a real cluster makes this one itself.
        cluster_role(WIDE_BOOTSTRAPPER, bootstrapper, Policy::CreateOnly)?,
        cluster_binding(KUBELET_COMPATIBLE, WIDE_BOOTSTRAPPER, DEFAULT_NODE_GROUP)?,
        cluster_role(
            "kubeadm:get-nodes",
            rule(&["get"], "", "nodes", &[]),
            Policy::Reconcile,
        )?,
        cluster_binding("kubeadm:get-nodes", "kubeadm:get-nodes", DEFAULT_NODE_GROUP)?,
    ];
    // Each with its subjects in kubeadm's order: whoever runs both finds nothing to change.
    for (name, config_map, subjects) in [
        (
            "kubeadm:nodes-kubeadm-config",
            "kubeadm-config",
            [group(DEFAULT_NODE_GROUP), group(NODES)],
        ),
        (
            "kubeadm:kubelet-config",
            "kubelet-config",
            [group(NODES), group(DEFAULT_NODE_GROUP)],
        ),
    ] {
        objects.push(role("kube-system", name, config_map)?);
        objects.push(binding("kube-system", name, &subjects)?);
    }
    Ok(objects)
}

/// The permission that kube-controller-manager's approver asks for.
fn approval_role(name: &str, subresource: &str) -> Result<Wanted, ObjectError> {
    let resource = format!("{REQUESTS}/{subresource}");
    cluster_role(
        name,
        rule(&["create"], CERTIFICATES, &resource, &[]),
        Policy::CreateOnly,
    )
}

fn cluster_role(name: &str, rule: PolicyRule, policy: Policy) -> Result<Wanted, ObjectError> {
    let role = ClusterRole {
        metadata: named(name, None),
        rules: Some(vec![rule]),
        ..ClusterRole::default()
    };
    Wanted::cluster(&role, policy)
}

fn cluster_binding(name: &str, role: &str, to: &str) -> Result<Wanted, ObjectError> {
    let binding = ClusterRoleBinding {
        metadata: named(name, None),
        role_ref: role_ref("ClusterRole", role),
        subjects: Some(vec![group(to)]),
    };
    Wanted::cluster(&binding, Policy::Reconcile)
}

/// A role that reads one ConfigMap.
fn role(namespace: &str, name: &str, config_map: &str) -> Result<Wanted, ObjectError> {
    let role = Role {
        metadata: named(name, Some(namespace)),
        rules: Some(vec![rule(&["get"], "", "configmaps", &[config_map])]),
    };
    Wanted::namespaced(&role, Policy::Reconcile)
}

fn binding(namespace: &str, name: &str, subjects: &[Subject]) -> Result<Wanted, ObjectError> {
    let binding = RoleBinding {
        metadata: named(name, Some(namespace)),
        role_ref: role_ref("Role", name),
        subjects: Some(subjects.to_vec()),
    };
    Wanted::namespaced(&binding, Policy::Reconcile)
}

fn rule(verbs: &[&str], api_group: &str, resource: &str, names: &[&str]) -> PolicyRule {
    let owned = |items: &[&str]| {
        items
            .iter()
            .map(|&item| item.to_owned())
            .collect::<Vec<_>>()
    };
    PolicyRule {
        api_groups: Some(vec![api_group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: (!names.is_empty()).then(|| owned(names)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef {
        api_group: Some(GROUP_API.to_owned()),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

fn group(name: &str) -> Subject {
    subject("Group", name)
}

fn user(name: &str) -> Subject {
    subject("User", name)
}

fn subject(kind: &str, name: &str) -> Subject {
    Subject {
        api_group: Some(GROUP_API.to_owned()),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: None,
    }
}

fn named(name: &str, namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(ToOwned::to_owned),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every verb and resource that a token's group has through the bindings.
    fn granted_to_tokens(access: Access) -> Vec<String> {
        let objects = objects(access).unwrap();
        let bound = |object: &&Wanted| {
            object.value()["subjects"]
                .as_array()
                .is_some_and(|subjects| subjects.iter().any(|s| s["name"] == DEFAULT_NODE_GROUP))
        };
        let mut granted = Vec::new();
        for binding in objects.iter().filter(bound) {
            let reference = &binding.value()["roleRef"];
            let role = objects
                .iter()
                .find(|o| {
                    o.value()["kind"] == reference["kind"]
                        && o.value()["metadata"]["name"] == reference["name"]
                })
                .unwrap_or_else(|| panic!("{reference} is bound and not made"));
            for rule in role.value()["rules"].as_array().unwrap() {
                granted.push(format!(
                    "{} {} {}",
                    rule["verbs"], rule["resources"], rule["resourceNames"]
                ));
            }
        }
        granted
    }

    #[test]
    fn by_default_a_token_creates_and_gets_requests_and_nothing_else() {
        assert_eq!(
            granted_to_tokens(Access::default()),
            [r#"["create","get"] ["certificatesigningrequests"] null"#]
        );
    }

    #[test]
    fn automatic_approval_adds_one_permission() {
        let access = Access {
            automatic_approval: true,
            kubelet_compatible: false,
        };
        assert_eq!(
            granted_to_tokens(access),
            [
                r#"["create","get"] ["certificatesigningrequests"] null"#,
                r#"["create"] ["certificatesigningrequests/nodeclient"] null"#
            ]
        );
    }

    #[test]
    fn compatibility_is_wider_and_still_reads_only_named_config_maps() {
        let access = Access {
            automatic_approval: false,
            kubelet_compatible: true,
        };
        assert_eq!(
            granted_to_tokens(access),
            [
                r#"["create","get"] ["certificatesigningrequests"] null"#,
                r#"["create","get","list","watch"] ["certificatesigningrequests"] null"#,
                r#"["get"] ["nodes"] null"#,
                r#"["get"] ["configmaps"] ["kubeadm-config"]"#,
                r#"["get"] ["configmaps"] ["kubelet-config"]"#,
            ]
        );
    }

    #[test]
    fn anonymous_reads_cluster_info_and_nothing_else() {
        let objects = objects(Access {
            automatic_approval: true,
            kubelet_compatible: true,
        })
        .unwrap();
        let anonymous: Vec<String> = objects
            .iter()
            .filter(|object| object.value().to_string().contains("system:anonymous"))
            .map(Wanted::title)
            .collect();
        assert_eq!(
            anonymous,
            ["RoleBinding kube-public/kubeadm:bootstrap-signer-clusterinfo"]
        );
    }
}
