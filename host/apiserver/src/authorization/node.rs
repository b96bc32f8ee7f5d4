//! What a node may do. Figures: plugin/pkg/auth/authorizer/node and plugin/pkg/admission/noderestriction.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::rbac::rules;
use super::{Attributes, Decision, Ownership, ResourceTarget, Target, resources};

/// Decides for a node. What concerns other nodes, Secrets, and the approval of requests is denied for
/// good; the rest that is not its own is left to RBAC (a node reads `kubeadm-config` that way).
///
/// A create names no object in its path: that a node creates only itself and its own Lease is checked
/// against the body (`strategy`).
pub(super) fn decide(node: &str, attributes: &Attributes, ownership: Ownership) -> Decision {
    let Target::Resource(target) = &attributes.target else {
        return Decision::NoOpinion;
    };
    let verb = attributes.verb.as_str();
    match (target.group.as_str(), target.resource.as_str()) {
        ("", "nodes") => node_object(node, verb, target),
        ("", "secrets") => Decision::Deny("a node may not touch Secrets".to_owned()),
        ("", "events") | ("events.k8s.io", "events") => {
            allow_if(matches!(verb, "create" | "patch" | "update"))
        }
        (resources::COORDINATION, "leases") => lease(node, verb, target),
        (resources::CERTIFICATES, resources::REQUESTS) => request(verb, target, ownership),
        (resources::CERTIFICATES, resources::SIGNERS) => {
            Decision::Deny("a node may neither approve nor sign".to_owned())
        }
        _ => allow_if(verb == "create" && resources::is_self_review(target)),
    }
}

fn node_object(node: &str, verb: &str, target: &ResourceTarget) -> Decision {
    let allowed = match (verb, target.subresource.as_str()) {
        ("create", "") => target.name.is_empty() || target.name == node,
        ("get" | "list" | "watch" | "update" | "patch", "") => target.name == node,
        ("get" | "update" | "patch", "status") => target.name == node,
        _ => false,
    };
    match verb {
        _ if allowed => own(),
        // Reading is not restricted upstream where somebody grants it.
        "get" | "list" | "watch" => Decision::NoOpinion,
        _ => Decision::Deny(format!("node {node:?} may write no Node but its own")),
    }
}

fn lease(node: &str, verb: &str, target: &ResourceTarget) -> Decision {
    if target.namespace != resources::NODE_LEASES {
        return Decision::NoOpinion;
    }
    let allowed = target.subresource.is_empty()
        && match verb {
            "create" => target.name.is_empty() || target.name == node,
            "get" | "update" | "patch" | "delete" => target.name == node,
            _ => false,
        };
    if allowed {
        own()
    } else {
        Decision::Deny(format!(
            "node {node:?} may touch no Lease in {} but its own",
            resources::NODE_LEASES
        ))
    }
}

fn request(verb: &str, target: &ResourceTarget, ownership: Ownership) -> Decision {
    let its_own =
        !target.name.is_empty() && matches!(ownership, Ownership::Own | Ownership::Absent);
    match (target.subresource.as_str(), verb) {
        ("", "create") => own(),
        ("", "get" | "list" | "watch") => allow_if(its_own),
        ("", _) => Decision::Deny("a node may not change a request".to_owned()),
        // kube-controller-manager's approver asks whether a node may renew itself; a binding says so.
        ("selfnodeclient", "create") => Decision::NoOpinion,
        _ => Decision::Deny("a node may neither approve nor sign".to_owned()),
    }
}

/// The rules that hold for every node, for a SelfSubjectRulesReview.
pub(super) fn rules(node: &str) -> Vec<PolicyRule> {
    let mut rules = vec![
        rules::resources(&["create"], &[""], &["nodes"]),
        rules::named(
            &["get", "list", "watch", "update", "patch"],
            &[""],
            &["nodes"],
            &[node],
        ),
        rules::named(
            &["get", "update", "patch"],
            &[""],
            &["nodes/status"],
            &[node],
        ),
        rules::resources(
            &["create", "patch", "update"],
            &["", "events.k8s.io"],
            &["events"],
        ),
        rules::resources(
            &["create", "get", "list", "watch"],
            &[resources::CERTIFICATES],
            &[resources::REQUESTS],
        ),
    ];
    rules.extend(resources::self_review_rules());
    rules
}

/// The rules that hold for a node in the namespace of node leases.
pub(super) fn lease_rules(node: &str) -> Vec<PolicyRule> {
    vec![
        rules::resources(&["create"], &[resources::COORDINATION], &["leases"]),
        rules::named(
            &["get", "update", "patch", "delete"],
            &[resources::COORDINATION],
            &["leases"],
            &[node],
        ),
    ]
}

fn own() -> Decision {
    Decision::Allow("node: its own objects".to_owned())
}

fn allow_if(allowed: bool) -> Decision {
    if allowed { own() } else { Decision::NoOpinion }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verb: &str, target: ResourceTarget) -> Decision {
        decide("n1", &Attributes::resource(verb, target), Ownership::Own)
    }

    #[test]
    fn a_node_is_master_of_itself() {
        let node = |name| ResourceTarget::new("", "nodes").named(name);
        for verb in ["get", "list", "watch", "update", "patch"] {
            assert!(
                matches!(decision(verb, node("n1")), Decision::Allow(_)),
                "{verb}"
            );
        }
        assert!(matches!(decision("create", node("")), Decision::Allow(_)));
        for verb in ["create", "update", "patch", "delete"] {
            assert!(
                matches!(decision(verb, node("n2")), Decision::Deny(_)),
                "{verb}"
            );
            let status = node("n2").subresource("status");
            assert!(
                matches!(decision(verb, status), Decision::Deny(_)),
                "{verb}"
            );
        }
        assert!(matches!(decision("delete", node("n1")), Decision::Deny(_)));
        assert!(matches!(
            decision("deletecollection", node("")),
            Decision::Deny(_)
        ));
        assert_eq!(decision("list", node("")), Decision::NoOpinion);
        assert_eq!(decision("get", node("n2")), Decision::NoOpinion);
    }

    #[test]
    fn secrets_and_approvals_stay_closed_whatever_rbac_says() {
        let secret = ResourceTarget::new("", "secrets").within("kube-system");
        for verb in ["get", "list", "watch", "create", "delete"] {
            assert!(
                matches!(decision(verb, secret.clone()), Decision::Deny(_)),
                "{verb}"
            );
        }
        let request =
            || ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS).named("c");
        for subresource in ["approval", "status"] {
            let target = request().subresource(subresource);
            assert!(matches!(decision("update", target), Decision::Deny(_)));
        }
        assert!(matches!(decision("delete", request()), Decision::Deny(_)));
        let signer = ResourceTarget::new(resources::CERTIFICATES, resources::SIGNERS).named("a/b");
        assert!(matches!(decision("approve", signer), Decision::Deny(_)));
    }

    #[test]
    fn a_request_is_read_by_name_and_only_its_own() {
        let request =
            |name| ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS).named(name);
        for verb in ["get", "list", "watch"] {
            assert!(
                matches!(decision(verb, request("c")), Decision::Allow(_)),
                "{verb}"
            );
            let foreign = decide(
                "n1",
                &Attributes::resource(verb, request("c")),
                Ownership::Foreign,
            );
            assert_eq!(foreign, Decision::NoOpinion, "{verb}");
        }
        assert_eq!(decision("list", request("")), Decision::NoOpinion);
    }

    #[test]
    fn a_lease_is_its_own_in_one_namespace() {
        let lease = |namespace: &str, name: &str| {
            ResourceTarget::new(resources::COORDINATION, "leases")
                .within(namespace)
                .named(name)
        };
        for verb in ["get", "update", "patch"] {
            assert!(matches!(
                decision(verb, lease("kube-node-lease", "n1")),
                Decision::Allow(_)
            ));
            assert!(matches!(
                decision(verb, lease("kube-node-lease", "n2")),
                Decision::Deny(_)
            ));
            assert_eq!(
                decision(verb, lease("slipway-system", "n1")),
                Decision::NoOpinion
            );
        }
        assert!(matches!(
            decision("list", lease("kube-node-lease", "")),
            Decision::Deny(_)
        ));
    }
}
