//! People decide with `slipway csr` what kube-controller-manager only signs.

use slipway_tests::kubernetes::Kubernetes;
use slipway_tests::{Sandbox, assert_identity, let_in, objects};

/// A cluster where nobody approves by himself.
fn cluster() -> Kubernetes {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers("csrsigning,bootstrapsigner", &[]);
    cluster
}

fn standing(cluster: &Kubernetes, request: &str) -> String {
    let listed = cluster.slipway(&["csr", "list", "--output=json"]).json();
    let found = listed
        .as_array()
        .expect("a list")
        .iter()
        .find(|listed| listed["name"] == request)
        .unwrap_or_else(|| panic!("no {request} in {listed}"));
    found["standing"].as_str().expect("a standing").to_owned()
}

#[test]
fn approves_what_is_then_signed() {
    let cluster = cluster();
    let node = Sandbox::new();
    let join = cluster.invitation().start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    assert_eq!(standing(&cluster, &request), "pending");
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    for part in ["worker-1", "pending", "system:bootstrap:"] {
        assert!(shown.contains(part), "{shown}");
    }
    let_in(&node, &request, join, |arguments| {
        cluster.slipway(arguments)
    });
    assert_identity(&node, &cluster.ca(), "worker-1");
    let condition = cluster
        .kubectl(&[
            "get",
            "csr",
            &request,
            "--output=jsonpath={.status.conditions[?(@.type==\"Approved\")].message}",
        ])
        .success();
    assert_eq!(condition, "approved by kubernetes-admin");
    let again = cluster.slipway(&["csr", "deny", &request]);
    assert!(
        again.stderr().contains("that is final"),
        "{}",
        again.stderr()
    );
}

#[test]
fn who_looks_at_a_request_writes_nothing() {
    let cluster = cluster();
    let node = Sandbox::new();
    let mut join = cluster.invitation().start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    // Nothing of Slipway was here before, and its controllers are not.
    let before = objects(|arguments| cluster.kubectl(arguments));
    for look in [
        &["csr", "list"][..],
        &["csr", "show", &request],
        &["csr", "watch", "--timeout=2s"],
        &["token", "list"],
        &["posture"],
    ] {
        let _ = cluster.slipway(look).success();
        let after = objects(|arguments| cluster.kubectl(arguments));
        assert_eq!(after, before, "{look:?}");
    }
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let after = objects(|arguments| cluster.kubectl(arguments));
    let ledger = after
        .keys()
        .find(|object| object.contains("slipway-system") && object.contains("token-ledger"));
    assert!(ledger.is_some(), "who decides needs it: {after:?}");
    assert!(join.wait().expect("join can be waited for").success());
}
