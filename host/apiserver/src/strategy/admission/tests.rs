use serde_json::json;

use super::*;
use crate::authentication::{BOOTSTRAPPERS, MASTERS, NODES};
use crate::authorization::rbac::rules;

/// A policy in which the group `ops` has these rules everywhere.
fn policy(rules: Vec<PolicyRule>) -> Policy {
    let role = |name: &str, rules: Vec<PolicyRule>| -> ClusterRole {
        let mut role = ClusterRole::default();
        role.metadata.name = Some(name.into());
        role.rules = Some(rules);
        role
    };
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "ops"},
        "roleRef": {"apiGroup": resources::RBAC, "kind": "ClusterRole", "name": "ops"},
        "subjects": [{"kind": "Group", "name": "ops"}],
    }))
    .unwrap();
    let admin = role(
        "cluster-admin",
        vec![rules::resources(&["*"], &["*"], &["*"])],
    );
    Policy::new(
        vec![role("ops", rules), admin],
        vec![],
        vec![binding],
        vec![],
    )
}

fn ops() -> UserInfo {
    UserInfo::authenticated("ann", ["ops"])
}

fn admit(
    policy: &Policy,
    user: &UserInfo,
    target: ResourceTarget,
    old: Option<&Value>,
    new: Value,
) -> Result<Value, Refusal> {
    let admission = Admission {
        user,
        policy,
        now: Timestamp::UNIX_EPOCH,
    };
    admission.admit(Write {
        target: &target,
        old,
        new,
    })
}

fn assert_forbidden(result: Result<Value, Refusal>, words: &str) {
    match result {
        Err(Refusal::Forbidden(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("not forbidden: {other:?}"),
    }
}

fn request(conditions: Value) -> Value {
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "c"},
        "spec": {"request": "", "signerName": "kubernetes.io/kube-apiserver-client-kubelet"},
        "status": {"conditions": conditions},
    })
}

fn requests(subresource: &str) -> ResourceTarget {
    ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS)
        .named("c")
        .subresource(subresource)
}

#[test]
fn approving_needs_the_verb_on_the_signer_or_its_domain() {
    let approved = || request(json!([{"type": "Approved", "status": "True"}]));
    let old = request(json!([]));
    let signers = |verb: &str, name: &str| {
        policy(vec![rules::named(
            &[verb],
            &[resources::CERTIFICATES],
            &["signers"],
            &[name],
        )])
    };
    for name in [
        "kubernetes.io/kube-apiserver-client-kubelet",
        "kubernetes.io/*",
    ] {
        let admitted = admit(
            &signers("approve", name),
            &ops(),
            requests("approval"),
            Some(&old),
            approved(),
        );
        let stored = admitted.unwrap();
        assert_eq!(stored["status"]["conditions"][0]["type"], "Approved");
        assert_eq!(
            stored["status"]["conditions"][0]["lastUpdateTime"],
            "1970-01-01T00:00:00Z"
        );
    }
    for (verb, name) in [
        ("approve", "kubernetes.io/kubelet-serving"),
        ("approve", "example.com/*"),
        ("sign", "kubernetes.io/*"),
    ] {
        let refused = admit(
            &signers(verb, name),
            &ops(),
            requests("approval"),
            Some(&old),
            approved(),
        );
        assert_forbidden(refused, "may not approve requests with signerName");
    }
}

#[test]
fn signing_needs_the_verb_and_a_review_does_not() {
    let old = request(json!([{"type": "Approved", "status": "True"}]));
    let nobody = policy(vec![]);
    let failed = request(json!([{"type": "Failed", "status": "True"}]));
    assert_forbidden(
        admit(
            &nobody,
            &ops(),
            requests("status"),
            Some(&old),
            failed.clone(),
        ),
        "may not sign",
    );
    let reviewed = request(json!([{"type": "slipway.dev/Reviewed", "status": "False"}]));
    assert!(admit(&nobody, &ops(), requests("status"), Some(&old), reviewed).is_ok());
    let signer = policy(vec![rules::named(
        &["sign"],
        &[resources::CERTIFICATES],
        &["signers"],
        &["kubernetes.io/*"],
    )]);
    assert!(admit(&signer, &ops(), requests("status"), Some(&old), failed).is_ok());
}

#[test]
fn a_token_gets_no_serving_certificate() {
    let token = UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS]);
    let mut serving = request(json!([]));
    serving["spec"]["signerName"] = "kubernetes.io/kubelet-serving".into();
    assert_forbidden(
        admit(&policy(vec![]), &token, requests(""), None, serving),
        "a bootstrap token may ask for a certificate of signer",
    );
}

#[test]
fn a_node_creates_only_itself_and_its_own_lease() {
    let node = UserInfo::authenticated("system:node:n1", [NODES]);
    let none = policy(vec![]);
    let named = |name: &str| json!({"metadata": {"name": name}});
    let nodes = || ResourceTarget::new("", "nodes");
    let leases =
        || ResourceTarget::new(resources::COORDINATION, "leases").within(resources::NODE_LEASES);
    for target in [nodes(), leases()] {
        assert!(admit(&none, &node, target.clone(), None, named("n1")).is_ok());
        assert_forbidden(
            admit(&none, &node, target, None, named("n2")),
            "but its own",
        );
    }
    let admin = UserInfo::authenticated("admin", [MASTERS]);
    assert!(admit(&none, &admin, nodes(), None, named("n2")).is_ok());
}

#[test]
fn a_nodes_status_is_written_through_its_own_door() {
    let admin = UserInfo::authenticated("admin", [MASTERS]);
    let old = json!({"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.0.0.0/24"}});
    let new = json!({"metadata": {"name": "n1"}, "spec": {}, "status": {"phase": "Running"}});
    let target = |subresource| {
        ResourceTarget::new("", "nodes")
            .named("n1")
            .subresource(subresource)
    };
    let status = admit(
        &policy(vec![]),
        &admin,
        target("status"),
        Some(&old),
        new.clone(),
    )
    .unwrap();
    assert_eq!(status["spec"]["podCIDR"], "10.0.0.0/24");
    assert_eq!(status["status"]["phase"], "Running");
    let object = admit(&policy(vec![]), &admin, target(""), Some(&old), new).unwrap();
    assert_eq!(object.get("status"), None);
    assert_eq!(object["spec"].get("podCIDR"), None);
}

#[test]
fn nobody_grants_what_they_do_not_hold() {
    let roles = || ResourceTarget::new(resources::RBAC, "clusterroles");
    let reads_secrets = json!({
        "metadata": {"name": "x"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}],
    });
    let writes_roles = rules::resources(&["create", "update"], &[resources::RBAC], &["*"]);
    let poor = policy(vec![writes_roles.clone()]);
    assert_forbidden(
        admit(&poor, &ops(), roles(), None, reads_secrets.clone()),
        "attempts to grant permissions",
    );
    // Unchanged rules are no grant, so that a label can be set.
    assert!(
        admit(
            &poor,
            &ops(),
            roles(),
            Some(&reads_secrets),
            reads_secrets.clone()
        )
        .is_ok()
    );
    for extra in [
        rules::resources(&["get"], &[""], &["*"]),
        rules::resources(&["escalate"], &[resources::RBAC], &["clusterroles"]),
    ] {
        let rich = policy(vec![writes_roles.clone(), extra]);
        assert!(admit(&rich, &ops(), roles(), None, reads_secrets.clone()).is_ok());
    }
}

#[test]
fn nobody_binds_a_role_beyond_their_own() {
    let bindings = || ResourceTarget::new(resources::RBAC, "clusterrolebindings");
    let to_admin = json!({
        "metadata": {"name": "x"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": "ann"}],
    });
    let poor = policy(vec![rules::resources(
        &["create"],
        &[resources::RBAC],
        &["*"],
    )]);
    assert_forbidden(
        admit(&poor, &ops(), bindings(), None, to_admin.clone()),
        "attempts to grant permissions",
    );
    let binder = policy(vec![rules::named(
        &["bind"],
        &[resources::RBAC],
        &["clusterroles"],
        &["cluster-admin"],
    )]);
    let stored = admit(&binder, &ops(), bindings(), None, to_admin.clone()).unwrap();
    assert_eq!(stored["roleRef"]["apiGroup"], resources::RBAC);
    assert_eq!(stored["subjects"][0]["apiGroup"], resources::RBAC);
    let mut absent = to_admin;
    absent["roleRef"]["name"] = "absent".into();
    assert_forbidden(
        admit(&binder, &ops(), bindings(), None, absent),
        "does not exist",
    );
}

#[test]
fn other_kinds_pass_as_they_are() {
    let event = json!({"metadata": {"name": "e"}, "reason": "x", "unknown": 1});
    let target = ResourceTarget::new("", "events").within("default");
    assert_eq!(
        admit(&policy(vec![]), &ops(), target, None, event.clone()),
        Ok(event)
    );
}

#[test]
fn a_secret_that_cannot_be_read_is_not_repeated() {
    let admin = UserInfo::authenticated("admin", [MASTERS]);
    let target = ResourceTarget::new("", "secrets").within("default");
    let secret = json!({"metadata": {"name": "s"}, "data": {"a": "%hidden%"}});
    match admit(&policy(vec![]), &admin, target, None, secret) {
        Err(Refusal::Invalid(violations)) => {
            assert!(
                !format!("{violations:?}").contains("hidden"),
                "{violations:?}"
            );
        }
        other => panic!("not refused: {other:?}"),
    }
}
